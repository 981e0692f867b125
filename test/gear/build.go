package gear

import (
	"fmt"
	"os"
	"os/exec"
)

// Build builds a package of ours into the file out, static as it is shipped. Environment comes on top
// of the test's own; tags are none in what is shipped.
func Build(out, folder, tags string, environment ...string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-tags="+tags, "-o", out, folder)
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), environment...)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", folder, err, text)
	}
	return nil
}
