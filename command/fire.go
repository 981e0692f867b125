package command

import (
	"context"
	"fmt"
	"math"
	"time"

	mqtt "github.com/eclipse/paho.mqtt.golang"
)

// playFire publishes what three cameras see, over real MQTT: a quiet scene, then a fire that grows
// for a while and goes out. It returns when the last detection is sent.
func playFire(ctx context.Context, url string, s *story) error {
	options := mqtt.NewClientOptions().AddBroker(url).SetClientID("wildfire-demo-cameras").SetConnectTimeout(5 * time.Second)
	client := mqtt.NewClient(options)
	if token := client.Connect(); token.Wait() && token.Error() != nil {
		return fmt.Errorf("demo: connect to %s: %w", url, token.Error())
	}
	defer client.Disconnect(250)
	cameras := []string{"north", "east", "barn"}
	s.say("The cameras north, east and barn report that they are alive.")
	for _, camera := range cameras {
		client.Publish("system/camera_telemetry", 0, false, fmt.Sprintf(`{"camera_id":%q}`, camera))
	}
	if err := pause(ctx, 2*time.Second); err != nil {
		return err
	}
	s.say("A fire starts on the slope. Frigate's job is played by detections on fire/detection/<camera>.")
	const period, burning = 500 * time.Millisecond, 22 * time.Second
	for t := time.Duration(0); t < burning; t += period {
		for i, camera := range cameras {
			if late := time.Duration(i) * 2 * time.Second; t >= late {
				client.Publish("fire/detection/"+camera, 0, false, flame(camera, t-late))
			}
		}
		if err := pause(ctx, period); err != nil {
			return err
		}
	}
	s.say("The water has done its work: the fire is out, no more detections.")
	return nil
}

// flame is a detection of a fire that has burnt for t: 1 % of the frame, growing by 6 % a second.
func flame(camera string, t time.Duration) string {
	side := math.Sqrt(0.01 * math.Pow(1.06, t.Seconds()))
	return fmt.Sprintf(`{"camera_id":%q,"object_id":"fire-1","label":"fire","confidence":0.88,`+
		`"bbox":[%.4f,%.4f,%.4f,%.4f],"timestamp":%.3f}`,
		camera, 0.4, 0.9-side, 0.4+side, 0.9, float64(time.Now().UnixMilli())/1000)
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
