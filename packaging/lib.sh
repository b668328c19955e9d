# Shared by the scripts here and in tests/: sourced, not run. Needs $root, the top of the checkout.

# build_tree PRESET [TARGET..]: configures and builds; all targets when none are named.
build_tree() {
    local preset=$1
    shift
    mkdir -p "$root/build"
    cmake --preset "$preset" -S "$root" >"$root/build/configure-$preset.log" 2>&1 ||
        { cat "$root/build/configure-$preset.log" >&2; return 1; }
    cmake --build "$root/build/$preset" -- "$@"
}

# debian_root DIR [debootstrap's options]: a minimal Debian 12, which reaches the archive as this machine does. As root.
debian_root() {
    local dir=$1 file
    shift
    debootstrap --variant=minbase "$@" bookworm "$dir"
    for file in /etc/resolv.conf /etc/hosts /etc/apt/apt.conf.d/*proxy* /etc/apt/apt.conf.d/99*; do
        if [[ -e $file ]]; then cp "$file" "$dir$file"; fi
    done
    if [[ -e /etc/apt/sources.list.d/debian.sources ]]; then
        cp /etc/apt/sources.list.d/debian.sources "$dir/etc/apt/sources.list.d/"
        rm -f "$dir/etc/apt/sources.list"
    fi
}
