package command

import (
	"fmt"

	"wildfire-watch/actors/system"
)

type checkCommand struct{ settings }

// Run prints every mistake and warning, then what the settings mean. Mistakes make it fail.
func (k checkCommand) Run(t *terminal) error {
	c, mistakes, err := t.read(k.settings)
	if err != nil {
		return err
	}
	fmt.Fprint(t.out, system.Report(k.Config, mistakes))
	if system.Wrong(mistakes) {
		return errReported
	}
	fmt.Fprintf(t.out, "\n%s", c.Meaning())
	if w := c.warning(); w != "" {
		fmt.Fprintf(t.out, "\n%s\n", w)
	}
	return nil
}
