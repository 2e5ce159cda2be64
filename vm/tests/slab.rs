//! Slabs against a list of what is in use: objects are disjoint, aligned, keep what is written to them, and pages go back.

#![expect(unsafe_code, reason = "an allocator's interface")]

use std::alloc::{Layout, alloc, dealloc};
use std::collections::BTreeSet;
use std::ptr::NonNull;

use proptest::prelude::*;
use vm::addr::PAGE_SIZE;
use vm::slab::{CLASSES, Class, LARGEST, Slabs, tag_of};

/// Pages from the host's allocator.
#[derive(Default)]
struct Pages(BTreeSet<usize>);

impl Pages {
    const LAYOUT: Layout = match Layout::from_size_align(PAGE_SIZE, PAGE_SIZE) {
        Ok(layout) => layout,
        Err(_) => panic!(),
    };

    fn take(&mut self) -> NonNull<u8> {
        // SAFETY: the layout is not empty.
        let page = NonNull::new(unsafe { alloc(Self::LAYOUT) }).expect("the host has memory");
        self.0.insert(page.as_ptr() as usize);
        page
    }

    fn give(&mut self, page: NonNull<u8>) {
        assert!(self.0.remove(&(page.as_ptr() as usize)));
        // SAFETY: it was allocated in `take`, with this layout, and is in use no more.
        unsafe { dealloc(page.as_ptr(), Self::LAYOUT) };
    }
}

#[derive(Clone, Debug)]
enum Op {
    Allocate(usize, usize),
    Free(prop::sample::Index),
    Trim,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (1..=LARGEST, 0..8u32).prop_map(|(size, align)| Op::Allocate(size, 1 << align)),
        5 => any::<prop::sample::Index>().prop_map(Op::Free),
        1 => Just(Op::Trim),
    ]
}

struct Object {
    at: NonNull<u8>,
    layout: Layout,
    stamp: u8,
}

impl Object {
    fn fill(&self) {
        // SAFETY: the object is in use and has so many bytes.
        unsafe { self.at.as_ptr().write_bytes(self.stamp, self.layout.size()) };
    }

    fn check(&self) {
        // SAFETY: as above.
        let bytes = unsafe { std::slice::from_raw_parts(self.at.as_ptr(), self.layout.size()) };
        assert!(bytes.iter().all(|byte| *byte == self.stamp));
    }
}

fn allocate(slabs: &mut Slabs, pages: &mut Pages, class: Class) -> NonNull<u8> {
    slabs.allocate(class).unwrap_or_else(|| {
        // SAFETY: the page is new, and stays until the slabs give it back.
        unsafe { slabs.add(class, pages.take(), 7) };
        slabs.allocate(class).expect("a new slab is empty")
    })
}

fn free(slabs: &mut Slabs, pages: &mut Pages, object: &Object) {
    object.check();
    // SAFETY: it was allocated there and goes out of use.
    if let Some(page) = unsafe { slabs.free(object.at) } {
        pages.give(page);
    }
}

proptest! {
    #[test]
    fn objects_are_disjoint_and_pages_return(ops in prop::collection::vec(op(), 1..400)) {
        let (mut slabs, mut pages) = (Slabs::new(), Pages::default());
        let mut objects: Vec<Object> = Vec::new();
        for (stamp, op) in ops.into_iter().enumerate() {
            match op {
                Op::Allocate(size, align) => {
                    let layout = Layout::from_size_align(size, align).expect("a valid layout");
                    let Some(class) = Class::of(layout) else {
                        prop_assert!(align > 16 && size > 512);
                        continue;
                    };
                    prop_assert!(class.size() >= size);
                    let at = allocate(&mut slabs, &mut pages, class);
                    prop_assert!((at.as_ptr() as usize).is_multiple_of(align));
                    // SAFETY: it lies in a slab.
                    prop_assert_eq!(unsafe { tag_of(at) }, Some(7));
                    let object = Object { at, layout, stamp: stamp as u8 };
                    object.fill();
                    objects.push(object);
                }
                Op::Free(which) if !objects.is_empty() => {
                    let object = objects.swap_remove(which.index(objects.len()));
                    free(&mut slabs, &mut pages, &object);
                }
                Op::Free(_) => {}
                Op::Trim => {
                    if let Some(page) = slabs.trim() {
                        pages.give(page);
                    }
                }
            }
            let used: u64 = slabs.used().iter().map(|(_, count)| count).sum();
            prop_assert_eq!(used, objects.len() as u64);
        }
        for object in &objects {
            free(&mut slabs, &mut pages, object);
        }
        prop_assert!(pages.0.len() <= CLASSES, "one spare page for each class");
        while let Some(page) = slabs.trim() {
            pages.give(page);
        }
        prop_assert!(pages.0.is_empty());
    }
}

#[test]
fn a_page_returns_when_its_last_object_goes() {
    let (mut slabs, mut pages) = (Slabs::new(), Pages::default());
    let class = Class::of(Layout::new::<[u64; 6]>()).expect("48 bytes are small");
    let layout = Layout::new::<[u64; 6]>();
    let mut objects: Vec<Object> = (0..1000)
        .map(|index| Object {
            at: allocate(&mut slabs, &mut pages, class),
            layout,
            stamp: index as u8,
        })
        .collect();
    objects.iter().for_each(Object::fill);
    assert_eq!(pages.0.len(), 1000usize.div_ceil((PAGE_SIZE - 32) / 48));
    // In an order that leaves holes everywhere first.
    objects.sort_by_key(|object| object.at.as_ptr() as usize % 7);
    for object in objects {
        free(&mut slabs, &mut pages, &object);
    }
    assert_eq!(pages.0.len(), 1);
    pages.give(slabs.trim().expect("the spare page"));
}

#[test]
fn large_alignment_is_kept_or_refused() {
    let class = |size, align| Class::of(Layout::from_size_align(size, align).expect("valid"));
    assert_eq!(class(65, 64).map(Class::size), Some(128));
    assert_eq!(class(300, 128).map(Class::size), Some(384));
    assert_eq!(class(832, 64).map(Class::size), Some(960));
    assert_eq!(class(1400, 64), None);
    assert_eq!(class(LARGEST, 16).map(Class::size), Some(LARGEST));
    assert_eq!(class(LARGEST + 1, 1), None);
    assert_eq!(class(8, 4096), None);
}
