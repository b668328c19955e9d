# Shared by packaging/quickstart and tests/run: sourced, not run. Needs $root, the top of the checkout.

# build_tree PRESET [TARGET..]: configures and builds; all targets when none are named.
build_tree() {
    local preset=$1
    shift
    mkdir -p "$root/build"
    cmake --preset "$preset" -S "$root" >"$root/build/configure-$preset.log" 2>&1 ||
        { cat "$root/build/configure-$preset.log" >&2; return 1; }
    cmake --build "$root/build/$preset" -- "$@"
}
