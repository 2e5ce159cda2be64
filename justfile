# Short names for the everyday commands; each is a plain cargo command.

# Show the names
default:
    @just --list

# The demonstration on a 4-core, 2-torus machine
run *OPTIONS:
    cargo run -q -- run {{OPTIONS}}

# One static Linux program on a machine of its own
exec *WORDS:
    cargo run -q -- exec {{WORDS}}

# An image for boards: `just image -o braid.iso --limine DIR`
image *OPTIONS:
    cargo run -q -- image {{OPTIONS}}

# Braid and Linux side by side
bench *WORDS:
    cargo run -q -- bench {{WORDS}}

# The same machine, stopped at its first instruction, with gdb attached
gdb *WORDS:
    cargo run -q -- gdb {{WORDS}}

# Every test, the booted ones too
test *WORDS:
    cargo test {{WORDS}}

# Formatting, lints and tests, cheapest first
check:
    .ci/run

# Put the sources into their form
format:
    cargo fmt --all
