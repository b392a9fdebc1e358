#!/bin/sh
# Demonstrates the server on this machine, as an ordinary user. Builds it and starts it with config/demo.json, which replaces
# the camera by a moving test picture. Ctrl-C stops everything.
#
# Needs a Rust toolchain with a linker; installs nothing, and writes only to target/.

set -u
cd "$(dirname "$0")/.." || exit 1

BINARIES="${CARGO_TARGET_DIR:-target}/release"
STATE=target/demo
RTSP_PORT="${RTSP_PORT:-8554}"
HTTP_PORT="${HTTP_PORT:-8080}"

fail() {
	echo "demo: $1" >&2
	exit 1
}

command -v cargo >/dev/null || fail "cargo not found: install a Rust toolchain, 1.94 or newer, from https://rustup.rs"
command -v cc >/dev/null || fail "cc not found, which cargo needs as a linker: sudo apt-get install gcc"

# Whether a server listens on this TCP port; in /proc/net/tcp, 0A is LISTEN (proc(5)).
listens() {
	grep -qs "$(printf ':%04X [0-9A-F]*:0000 0A ' "$1")" /proc/net/tcp /proc/net/tcp6
}

# The server could not start.
check_ports() {
	for port in "${DATA_PORT:-5000}" "${SETTINGS_PORT:-5001}" "${AUTH_PORT:-5002}" "$RTSP_PORT" "$HTTP_PORT"; do
		! listens "$port" || fail "port $port is in use, perhaps by another demonstration: stop that program first"
	done
}

daemon=
# shellcheck disable=SC2317 # Called by the traps.
stop() {
	trap '' INT TERM HUP
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null
	wait
}
trap 'stop; exit 130' INT
trap 'stop; exit 143' TERM
trap 'stop; exit 129' HUP

# Before the build as well, which may take minutes.
check_ports
echo "Building; the first build takes a few minutes on a Pi."
cargo build --release --locked || fail "the build failed"
check_ports

mkdir -p "$STATE" || fail "cannot create $STATE"
"$BINARIES/es-iot-server" --config config/demo.json &
daemon=$!

# Allows for a slow machine, and detects a daemon that could not start.
tries=60
until listens "$HTTP_PORT" || ! kill -0 "$daemon" 2>/dev/null || [ "$tries" -eq 0 ]; do
	tries=$((tries - 1))
	sleep 0.5
done

if kill -0 "$daemon" 2>/dev/null; then
	cat <<-END

		The server is up. Open its page in a browser:
		  http://127.0.0.1:$HTTP_PORT/

		The video is also for VLC (Media, Open Network Stream), or for ffplay:
		  rtsp://127.0.0.1:$RTSP_PORT/ES_MTX

		In another terminal:
		  $BINARIES/es-iot-ctl watch               the data stream, 24 packets a second
		  $BINARIES/es-iot-ctl get                 the camera settings
		  $BINARIES/es-iot-ctl set brightness=0.3  change one: the picture changes, viewers stay
		  $BINARIES/es-iot-ctl auth --password-file $STATE/auth_password

		Ctrl-C stops everything.

	END
fi
wait "$daemon"
exit "$?"
