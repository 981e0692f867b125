// Command open serves the page with a played house behind it, for who works on the page: it plays the fire
// over and over until it is interrupted. It listens on loopback alone and touches nothing real.
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"wildfire-watch/test/browser/stage"
)

func main() {
	port := flag.Int("port", 8089, "port of 127.0.0.1 to serve the page at")
	cameras := flag.Int("cameras", 12, "so many cameras")
	login := flag.Bool("login", false, "want a login: "+stage.User+" / "+stage.Password)
	flag.Parse()
	s, err := stage.Open(stage.Options{Listen: fmt.Sprintf("127.0.0.1:%d", *port), Cameras: *cameras, Login: *login})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer s.Close()
	fmt.Println(s.URL())
	done := make(chan os.Signal, 1)
	signal.Notify(done, os.Interrupt)
	for {
		for _, scene := range stage.Fire {
			s.Play(scene)
			select {
			case <-done:
				return
			case <-time.After(scene.Lasts):
			}
		}
	}
}
