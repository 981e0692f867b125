// Package static holds the page as it is sent to a browser: HTML, style, ES modules, and uPlot with its
// licence. There is no build step: what is in this folder is what runs. It promises that the page asks
// nobody but the house that served it, and that it keeps to Policy; it must never hold a secret.
package static

import "embed"

// Files are index.html, style.css, favicon.svg, js/*.js and vendor/*. The root of the page is
// index.html.
//
//go:embed index.html style.css favicon.svg js vendor
var Files embed.FS

// Policy is the Content-Security-Policy that the page is made for; the server sends it with each file.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
