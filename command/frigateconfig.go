package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"wildfire-watch/actors/bridge"
	"wildfire-watch/protocol"
	"wildfire-watch/protocol/nvr"
)

type frigateConfigCommand struct {
	settings
	From string `help:"Cameras as wildfire-watch discover --json prints them; - is standard input. Without it the running program is asked." placeholder:"FILE"`
}

// Help is printed by frigate-config --help.
func (frigateConfigCommand) Help() string {
	return `Prints go2rtc.streams and cameras for Frigate's configuration, as Frigate 0.14 to 0.17
accept them: the sub stream to detect in, the main stream to record, fire and smoke
tracked with the filters of [consensus], names that follow a camera's MAC. It holds no
login: {FRIGATE_RTSP_…} stand for variables of Frigate's environment, which it lists.

Without --from it listens for up to 5 s to the broker of mqtt.url, or else to the
embedded broker of a wildfire-watch that runs on this machine. It publishes nothing.

Example:

    wildfire-watch frigate-config --config home.toml`
}

// Run prints the YAML for the cameras of a file, or for those that the running program knows.
func (f frigateConfigCommand) Run(t *terminal) error {
	c, err := t.load(f.settings)
	if err != nil {
		return err
	}
	if c.MQTT.URL == "" { // as record: the appliance that runs here has the broker
		c.MQTT.URL = "tcp://" + c.Broker.Listen
	}
	var cameras []nvr.Camera
	if f.From != "" {
		cameras, err = f.read(t.in)
	} else {
		var told []byte
		told, cameras, err = listenForCameras(c)
		if told != nil {
			_, err = t.out.Write(told)
			return err
		}
	}
	if err != nil {
		return fmt.Errorf("frigate-config: %w", err)
	}
	c.name(cameras)
	text := nvr.Config(cameras, filters(c.Config))
	if _, err := t.out.Write(text); err != nil {
		return err
	}
	if names := nvr.Environment(cameras); len(names) > 0 {
		fmt.Fprintf(t.err, "Set in Frigate's environment, percent-encoded: %s\n", strings.Join(names, ", "))
	}
	if !slices.ContainsFunc(cameras, func(c nvr.Camera) bool { return len(c.Streams) > 0 }) {
		return errors.New("frigate-config: no stream of any camera is known; give its login to cameras.credentials_file," +
			" and see wildfire-watch discover")
	}
	return nil
}

// read takes the cameras from a file.
func (f frigateConfigCommand) read(in io.Reader) ([]nvr.Camera, error) {
	if f.From != "-" {
		file, err := os.Open(f.From)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, nvr.MaxInput+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.From, err)
	}
	cameras, err := nvr.Decode(text)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w; wildfire-watch discover --json > FILE makes one", f.From, err)
	}
	if len(cameras) == 0 {
		return nil, fmt.Errorf("read %s: no camera in it", f.From)
	}
	return cameras, nil
}

// name gives the cameras that cameras.<name>.mac names their names: Frigate, consensus and the owner
// then mean the same one.
func (c configured) name(cameras []nvr.Camera) {
	bare := strings.NewReplacer(":", "", "-", "", ".", "")
	for i := range cameras {
		for _, name := range slices.Sorted(maps.Keys(c.Cameras.Known)) {
			mac := c.Cameras.Known[name].MAC
			if mac != "" && strings.EqualFold(bare.Replace(mac), bare.Replace(cameras[i].MAC)) {
				cameras[i].Name = name
			}
		}
	}
}

// How long the running program is listened to: for its YAML, which it publishes at every change, or
// for what is kept of each camera, until nothing more of that comes.
const (
	listenFor = 5 * time.Second
	quietFor  = time.Second
)

// listenForCameras hears the YAML as the running program published it, or else the cameras.
func listenForCameras(c configured) (told []byte, cameras []nvr.Camera, err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, listenFor)
	defer cancel()
	type message struct {
		topic   string
		payload []byte
	}
	messages, ended := make(chan message), make(chan error, 1)
	go func() {
		topics := []string{protocol.TopicFrigateConfig, protocol.TopicOf(protocol.TopicDiscovery, "") + "+"}
		ended <- bridge.Listen(ctx, bridge.Settings{Config: c.MQTT}, topics, func(topic string, payload []byte) {
			select {
			case messages <- message{topic, payload}:
			case <-ctx.Done():
			}
		})
	}()
	known := make(map[string]nvr.Camera)
	quiet := time.NewTimer(listenFor)
	defer quiet.Stop()
	for {
		select {
		case m := <-messages:
			if m.topic == protocol.TopicFrigateConfig && plainText(m.payload) {
				cancel()
				return m.payload, nil, <-ended
			}
			camera, err := nvr.DecodeOne(m.payload)
			if m.topic != protocol.TopicFrigateConfig && err == nil && len(known) < nvr.MaxCameras {
				known[m.topic] = camera
				quiet.Reset(quietFor)
			}
		case <-quiet.C:
			cancel()
		case err := <-ended:
			if err == nil && len(known) == 0 {
				err = fmt.Errorf("nothing was said of cameras on %s within %v; see that wildfire-watch runs and has found"+
					" some, or use --from with the output of wildfire-watch discover --json", c.MQTT.URL, listenFor)
			}
			for _, topic := range slices.Sorted(maps.Keys(known)) {
				cameras = append(cameras, known[topic])
			}
			return nil, cameras, err
		}
	}
}

// plainText says whether a message may be shown on a terminal.
func plainText(b []byte) bool {
	return len(b) > 0 && utf8.Valid(b) && !bytes.ContainsFunc(b, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f })
}
