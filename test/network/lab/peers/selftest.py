#!/usr/bin/python3
"""Checks the ground truth with ffprobe from inside the appliance host: every stream, its codec and size."""
import json, subprocess, sys
from urllib.parse import quote
d = json.load(open(sys.argv[1]))
cams = d["cameras"] + (d["more"] if "more" in sys.argv[2:] else [])
bad = n = 0
for c in cams:
    for s in c["streams"] if c.get("ffprobe", True) else []:
        n += 1
        u = s["url"]
        if c.get("user"):
            u = u.replace("rtsp://", "rtsp://%s:%s@" % (quote(c["user"]), quote(c["password"])))
        p = subprocess.run(["timeout", "15", "ffprobe", "-v", "error", "-rtsp_transport", "udp" if "transport" in s else "tcp", "-show_entries", "stream=codec_name,width,height", "-of", "json", u], capture_output=True, text=True)
        v = [x for x in json.loads(p.stdout or "{}").get("streams", []) if "width" in x]
        got = (v[0]["codec_name"], v[0]["width"], v[0]["height"]) if v else None
        want = ({"H264": "h264", "H265": "hevc", "JPEG": "mjpeg"}[s["codec"]], s["width"], s["height"])
        ok = got == want
        bad += not ok
        print("%-4s %s %s want %s got %s %s" % ("ok" if ok else "BAD", c["id"], s["url"], want, got, p.stderr.strip()[:120] if not ok else ""))
print("%d passed, %d failed" % (n - bad, bad))
sys.exit(bad > 0)
