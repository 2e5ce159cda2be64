//! Processes, signals, timers, registers: one kind for each first argument, or all.

mod lives;
mod signals;
mod switches;

const KINDS: [(&str, fn()); 9] = [
    ("waiting", lives::waiting),
    ("crowd", lives::crowd),
    ("blocking", switches::blocking),
    ("masks", signals::masks),
    ("restarts", signals::restarts),
    ("timers", signals::timers),
    ("vectors", switches::vectors),
    ("groups", lives::groups),
    ("faults", lives::faults),
];

fn main() {
    let wanted = std::env::args().nth(1);
    for (name, run) in KINDS {
        if wanted.as_deref().is_none_or(|wanted| wanted == name) {
            println!("- {name}");
            run();
        }
    }
}

pub(crate) fn own() -> usize {
    std::process::id() as usize
}
