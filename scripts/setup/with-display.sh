# Starts the app's compositor and becomes the app. Process 1 of the container takes the compositor in, so that the app has no child
# that it does not know. What the app says of displays in its environment is for the app alone. The loader is this script's first argument, the app's command line the rest.
here=${0%/*} loader=$1 own=/run/user
shift
run() {
  name=$1
  shift
  "$here/lib/$loader" --library-path "$here/lib" "$here/bin/$name" "$@"
}
(
  export HOME=/nonexistent XKB_CONFIG_ROOT="$here/share/xkb" XDG_RUNTIME_DIR=$own SWAYSOCK="$own/ipc.sock"
  export WLR_BACKENDS=headless WLR_RENDERER=pixman WLR_LIBINPUT_NO_DEVICES=1 WLR_HEADLESS_OUTPUTS=1
  run sway --config "$own/sway.config" </dev/null >"$own/sway.log" 2>&1 &
)
tries=0
until [ -S "$own/wayland-1" ]; do
  tries=$((tries + 1))
  if [ "$tries" -gt 1000 ]; then
    echo "the app's display did not come up" >&2
    exit 1
  fi
  run sleep 0.01
done
exec "$@"
