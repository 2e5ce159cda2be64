//! Lua 5.4 as its own command line runs it: `lua SCRIPT [ARGS..]`, or the script on standard input.

use std::io::Read;
use std::process::ExitCode;

use mlua::Lua;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lua: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Box<dyn std::error::Error>> {
    let lua = Lua::new();
    let table = lua.create_table()?;
    for (index, argument) in (-1i64..).zip(arguments) {
        table.set(index, argument.as_str())?;
    }
    lua.globals().set("arg", table)?;
    let (name, script) = match arguments.get(1) {
        Some(path) => (format!("@{path}"), std::fs::read(path)?),
        None => {
            let mut script = Vec::new();
            std::io::stdin().read_to_end(&mut script)?;
            ("=stdin".to_owned(), script)
        }
    };
    Ok(lua.load(script).set_name(name).exec()?)
}
