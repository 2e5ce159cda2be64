//! Answers of calls about memory, pipes and files: what our programs are told is what Linux tells them.

use braid_tests::booted::cases;

fn as_on_linux(name: &str) {
    let _ = cases::as_on_linux(name, &cases::exec(name).smp(2).tori(1));
}

#[test]
fn mappings() {
    as_on_linux("remap_partial");
}

#[test]
fn all_arguments_of_calls_about_mappings() {
    as_on_linux("mmap_table");
}

#[test]
fn reads_at_positions() {
    as_on_linux("pread_pipe");
}

#[test]
fn pipes() {
    as_on_linux("pipe_edges");
}
