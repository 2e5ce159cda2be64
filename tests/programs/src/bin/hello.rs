//! Prints its arguments and one variable of its environment, and exits with the status given by the first argument.

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    println!("hello, {} arguments", arguments.len());
    for argument in &arguments {
        println!("argument {argument:?}");
    }
    println!("GREETING={:?}", std::env::var("GREETING").ok());
    eprintln!("to standard error");
    let status = arguments.first().and_then(|a| a.parse().ok()).unwrap_or(0);
    std::process::exit(status);
}
