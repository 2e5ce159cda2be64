//! Says where this program, which has no fixed address, lies.

fn main() {
    println!("{:#x}", main as *const () as usize);
}
