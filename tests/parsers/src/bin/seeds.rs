//! Writes the seeds of a target as files into a directory: `seeds TARGET DIRECTORY`. Without words it names the targets.

use std::path::Path;
use std::process::ExitCode;

use braid_parsers::TARGETS;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.as_slice() {
        [] => TARGETS
            .iter()
            .for_each(|target| println!("{}", target.name)),
        [name, directory] => {
            let Some(target) = braid_parsers::find(name) else {
                eprintln!("seeds: there is no target {name}");
                return ExitCode::FAILURE;
            };
            for (index, seed) in (target.seeds)().iter().enumerate() {
                let path = Path::new(directory).join(format!("seed-{index}"));
                if let Err(error) = std::fs::write(&path, seed) {
                    eprintln!("seeds: {}: {error}", path.display());
                    return ExitCode::FAILURE;
                }
            }
        }
        _ => {
            eprintln!("usage: seeds [TARGET DIRECTORY]");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}
