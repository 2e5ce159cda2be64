//! Images: what they say without Limine, and that real Limine boots them every way.

use std::path::Path;

use braid_tests::booted::{limine, tool};

/// Runs `braid WORDS..`, and answers with its exit status, standard output and standard error.
fn braid(words: &[&str]) -> (Option<i32>, String, String) {
    let mut command = tool::braid(words.iter().copied());
    let output = command.env_remove("LIMINE_DIR").output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn without_limine_the_tool_says_where_to_get_it() {
    let nowhere = tempfile::tempdir().unwrap();
    let output = nowhere.path().join("x.iso");
    let (status, _, said) = braid(&[
        "image",
        "-o",
        text(&output),
        "--limine",
        text(nowhere.path()),
    ]);
    assert_eq!(status, Some(125), "{said}");
    assert!(
        said.contains("git clone") && said.contains("--format dir"),
        "{said}"
    );
    assert!(!output.exists());
}

#[test]
fn a_tree_has_what_a_boot_loader_needs() {
    let directory = tempfile::tempdir().unwrap();
    let tree = directory.path().join("tree");
    let file = directory.path().join("file");
    std::fs::write(&file, "content").unwrap();
    let more = format!("{}:/data/file", text(&file));
    let words = ["image", "--format", "dir", "-o", text(&tree)];
    let options = ["--file", &more, "--cmdline", "tori=1", "--menu", "7"];
    let (status, _, said) = braid(&[&words[..], &options].concat());
    assert_eq!(status, Some(0), "{said}");
    let menu = std::fs::read_to_string(tree.join("boot/limine/limine.conf")).unwrap();
    assert!(menu.contains("timeout: 7\n"), "{menu}");
    let lines: Vec<&str> = menu
        .lines()
        .filter(|line| line.contains("cmdline:"))
        .collect();
    assert!(lines.len() >= 2 && lines.iter().all(|line| line.contains(" tori=1")));
    assert_eq!(
        std::fs::read_to_string(tree.join("EFI/BOOT/limine.conf")).unwrap(),
        menu
    );
    let kernel = std::fs::read(tree.join("boot/braid-kernel")).unwrap();
    assert!(kernel.starts_with(b"\x7fELF"));
    let archive = std::fs::read(tree.join("boot/root.cpio")).unwrap();
    let holds = |name: &[u8]| archive.windows(name.len()).any(|bytes| bytes == name);
    assert!(holds(b"bin/init\0") && holds(b"data/file\0"));
}

#[test]
fn what_is_no_image_is_not_booted() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), vec![0; 100_000]).unwrap();
    let (status, _, said) = braid(&["run", "--image", text(file.path())]);
    assert_eq!(status, Some(125), "{said}");
    assert!(said.contains("neither an ISO nor a disk"), "{said}");
}

/// From CD, disk and USB stick, by BIOS and UEFI.
#[test]
fn limine_boots_images_every_way() {
    let Some(limine) = limine("images as CD, disk and USB stick") else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    for format in ["iso", "disk"] {
        let image = directory.path().join(format);
        let words = ["image", "-o", text(&image), "--format", format];
        let options = ["--limine", text(&limine), "--menu", "0"];
        let lines = ["--cmdline", "linger=0 tori=2"];
        let (status, _, said) = braid(&[&words[..], &options, &lines].concat());
        assert_eq!(status, Some(0), "{said}");
        for how in [&[][..], &["--uefi"], &["--usb"], &["--usb", "--uefi"]] {
            let run = ["run", "--image", text(&image), "--timeout", "120"];
            let (status, log, said) = braid(&[&run[..], how].concat());
            assert_eq!(status, Some(0), "{format} {how:?}: {said}\n{log}");
            for torus in ["torus 0, process", "torus 1, process", "started by Limine"] {
                assert!(log.contains(torus), "{format} {how:?}: {log}");
            }
        }
    }
}
