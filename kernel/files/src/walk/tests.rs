use super::*;

/// Directories `/`, `/d`; file `/d/f`; links `/l` -> d, `/loop` -> loop, `/d/up` -> ../d/f, `/gone` -> nowhere, `/trap` -> d of somebody else.
/// `/exe` leads to a file without a name, `/cwd` to `/d` itself, `/there` to what is foreign.
/// `/away` is foreign, `/d/moved` somebody else's to find, `/closed` a directory without search.
struct Toy;

impl Tree for Toy {
    type Node = &'static str;

    fn root(&self) -> Self::Node {
        "/"
    }
    fn child(&self, directory: &Self::Node, name: &[u8]) -> Result<Option<Self::Node>, FileError> {
        let child = match (*directory, name) {
            ("d", b"moved") => return Ok(None),
            ("/", b"d") => Ok("d"),
            ("/", b"closed") => Ok("closed"),
            ("/", b"l") => Ok("l"),
            ("/", b"loop") => Ok("loop"),
            ("/", b"gone") => Ok("gone"),
            ("/", b"away") => Ok("away"),
            ("/", b"over") => Ok("over"),
            ("/", b"trap") => Ok("trap"),
            ("/", b"exe") => Ok("exe"),
            ("/", b"cwd") => Ok("cwd"),
            ("/", b"there") => Ok("there"),
            ("d", b"f") => Ok("f"),
            ("d", b"up") => Ok("up"),
            _ => Err(FileError::NotFound),
        };
        child.map(Some)
    }
    fn parent(&self, _: &Self::Node) -> Result<Self::Node, FileError> {
        Ok("/")
    }
    fn is_directory(&self, node: &Self::Node) -> bool {
        matches!(*node, "/" | "d" | "closed")
    }
    fn link(&self, node: &Self::Node) -> Result<Option<Link<Self::Node>>, FileError> {
        let path = |path: &[u8]| Some(Link::Path(path.to_vec()));
        Ok(match *node {
            "l" | "trap" => path(b"d"),
            "loop" => path(b"loop"),
            "up" => path(b"../d/f"),
            "over" => path(b"away/x"),
            "gone" => path(b"nowhere"),
            "exe" => Some(Link::Node("nameless")),
            "cwd" => Some(Link::Node("d")),
            "there" => Some(Link::Node("away")),
            _ => None,
        })
    }
    fn may_search(&self, node: &Self::Node) -> bool {
        *node != "closed"
    }
    fn may_follow(&self, _: &Self::Node, link: &Self::Node) -> bool {
        *link != "trap"
    }
    fn is_foreign(&self, node: &Self::Node) -> bool {
        *node == "away"
    }
}

fn target(path: &str, follow: bool) -> Result<Target<&'static str>, FileError> {
    match resolve(&Toy, &"d", path.as_bytes(), follow)? {
        Walk::Target(target) => Ok(target),
        Walk::Leaves(leaving) => panic!("{path} leads away: {leaving:?}"),
    }
}

fn find(path: &str) -> Result<&'static str, FileError> {
    target(path, true)?.existing()
}

#[test]
fn follows_paths() {
    for path in [
        "f",
        "./f",
        "/d/f",
        "//d///f",
        "/l/f",
        "up",
        "../d/up",
        "/d/../d/./f",
        "/../d/f",
    ] {
        assert_eq!(find(path), Ok("f"), "{path}");
    }
    for path in ["/", "..", "/d/..", "/l/..", "../"] {
        assert_eq!(find(path), Ok("/"), "{path}");
    }
    assert_eq!(find("/l/"), Ok("d"));
}

#[test]
fn refuses_paths() {
    assert_eq!(find(""), Err(FileError::NotFound));
    assert_eq!(find("nothing"), Err(FileError::NotFound));
    assert_eq!(find("/x/f"), Err(FileError::NotFound));
    assert_eq!(find("f/"), Err(FileError::NotDirectory));
    assert_eq!(find("f/x"), Err(FileError::NotDirectory));
    assert_eq!(find("f/.."), Err(FileError::NotDirectory));
    assert_eq!(find("/loop"), Err(FileError::TooManyLinks));
    for path in ["/closed/x", "/closed/.", "/closed/../d", "/closed/no/x"] {
        assert_eq!(find(path), Err(FileError::Denied), "{path}");
    }
    assert_eq!(find("/closed/"), Ok("closed"));
    // Somebody else's link leads on, but not to where a path ends.
    assert_eq!(find("/trap/f"), Ok("f"));
    assert_eq!(find("/trap"), Err(FileError::Denied));
    assert_eq!(find("/trap/"), Err(FileError::Denied));
    assert_eq!(find(&"a".repeat(256)), Err(FileError::NameTooLong));
    assert_eq!(find(&"a/".repeat(2048)), Err(FileError::NameTooLong));
}

#[test]
fn names_what_is_missing() {
    let target = target("/d/new/", true).unwrap();
    assert_eq!(
        (
            target.directory,
            &target.name[..],
            target.node,
            target.slash
        ),
        ("d", &b"new"[..], None, true)
    );
}

#[test]
fn links_in_the_last_place_are_followed_on_demand() {
    let followed = target("/gone", true).unwrap();
    assert_eq!((&followed.name[..], followed.node), (&b"nowhere"[..], None));
    let itself = target("/gone", false).unwrap();
    assert_eq!(
        (&itself.name[..], itself.node),
        (&b"gone"[..], Some("gone"))
    );
}

#[test]
fn says_how_a_path_ends() {
    for (path, ending) in [
        ("/", Ending::Nothing),
        ("/d/.", Ending::Dot),
        ("/d/..", Ending::DotDot),
        ("/d/f", Ending::Name),
    ] {
        assert_eq!(target(path, true).unwrap().ending, ending, "{path}");
    }
}

#[test]
fn foreign_places_get_the_rest() {
    for (path, follow, rest, links) in [
        ("/away", false, "", 0),
        ("/away/", false, "/", 0),
        ("../away/x/../y", true, "/x/../y", 0),
        ("/over", true, "/x", 1),
        ("/over/z", false, "/x/z", 1),
    ] {
        let walk = resolve(&Toy, &"d", path.as_bytes(), follow).unwrap();
        let Walk::Leaves(leaving) = walk else {
            panic!("{path}: {walk:?}");
        };
        assert_eq!(
            (leaving.at, &leaving.rest[..], leaving.links),
            ("away", rest.as_bytes(), links),
            "{path}"
        );
    }
}

#[test]
fn what_others_have_to_find_is_left_with_its_name() {
    for path in ["moved", "/d/./moved", "/l/moved"] {
        let walk = resolve(&Toy, &"d", path.as_bytes(), true).unwrap();
        let Walk::Leaves(leaving) = walk else {
            panic!("{path}: {walk:?}");
        };
        let rest = leaving.rest.trim_ascii_start();
        assert_eq!(leaving.at, "d");
        assert!(rest.ends_with(b"moved"), "{path}");
    }
}

#[test]
fn resolution_goes_on_where_it_left() {
    let leaving = |at, rest: &str, links| Leaving {
        at,
        rest: rest.as_bytes().to_vec(),
        links,
    };
    let Walk::Target(found) = go_on(&Toy, leaving("/", "/d/f", 3), true).unwrap() else {
        panic!("it does not lead away");
    };
    assert_eq!(found.node, Some("f"));
    let Walk::Target(itself) = go_on(&Toy, leaving("f", "", 0), true).unwrap() else {
        panic!("it does not lead away");
    };
    assert_eq!((itself.node, itself.ending), (Some("f"), Ending::Nothing));
    let tired = go_on(&Toy, leaving("/", "l/f", LINK_LIMIT), true);
    assert_eq!(tired.map(|_| ()), Err(FileError::TooManyLinks));
}

#[test]
fn links_to_nodes_lead_to_the_very_node() {
    assert_eq!(find("/exe"), Ok("nameless"));
    assert_eq!(target("/exe", false).unwrap().existing(), Ok("exe"));
    assert_eq!(find("/exe/"), Err(FileError::NotDirectory));
    assert_eq!(find("/exe/f"), Err(FileError::NotDirectory));
    for path in ["/cwd", "/cwd/", "/cwd/.", "/cwd/f/.."] {
        let found = find(path);
        let right = if path.ends_with("..") {
            Err(FileError::NotDirectory)
        } else {
            Ok("d")
        };
        assert_eq!(found, right, "{path}");
    }
    assert_eq!(find("/cwd/f"), Ok("f"));
    for (path, rest) in [("/there", ""), ("/there/x/y", "/x/y")] {
        match resolve(&Toy, &"d", path.as_bytes(), true) {
            Ok(Walk::Leaves(leaving)) => {
                assert_eq!((leaving.at, &*leaving.rest), ("away", rest.as_bytes()));
            }
            found => panic!("{path}: {found:?}"),
        }
    }
}
