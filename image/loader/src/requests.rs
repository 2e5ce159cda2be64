//! Finding the kernel's requests in its loaded image.

use crate::protocol::{
    BASE_REVISION, BASE_REVISION_TAG, COMMON_MAGIC, END_MARKER, FEATURES, Feature, START_MARKER,
};
use alloc::vec::Vec;
use thiserror::Error;

/// Words of a request before its own fields: ID (4), revision, response.
const HEAD: usize = 6;

/// Why the requests cannot be answered.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum RequestError {
    /// The protocol forbids two requests with one ID.
    #[error("the kernel makes the same request twice: {0:?}")]
    Twice(Feature),
    /// The request has no room for its fields.
    #[error("the kernel's request {0:?} is cut off by the end of the image")]
    Cut(Feature),
}

/// The requests of an image, by their places in words (8 bytes).
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// The base revision in force: the one asked for, at most ours.
    pub base_revision: u64,
    asked_revision: u64,
    tag: Option<usize>,
    found: Vec<(Feature, usize)>,
}

impl Requests {
    /// Searches an image, between its markers if it has them.
    ///
    /// # Errors
    /// When a request is there twice or is cut off.
    pub fn find(image: &[u64]) -> Result<Self, RequestError> {
        let last_start = positions(image, &START_MARKER).last();
        let start = last_start.map_or(0, |at| at + START_MARKER.len());
        let end = positions(image, &END_MARKER).next().unwrap_or(image.len());
        let mut requests = Self::default();
        let area = image.get(start..end).unwrap_or_default();
        let tag = positions(area, &BASE_REVISION_TAG)
            .next()
            .map(|at| start + at);
        if let Some((place, &asked)) = tag.and_then(|at| Some((at, image.get(at + 2)?))) {
            requests.tag = Some(place);
            requests.asked_revision = asked;
            requests.base_revision = asked.min(BASE_REVISION);
        }
        for at in positions(area, &COMMON_MAGIC) {
            let Some(id) = area.get(at + 2..at + 4) else {
                continue;
            };
            let Some(&(feature, _)) = FEATURES.iter().find(|(_, known)| known == id) else {
                continue;
            };
            if requests.place(feature).is_some() {
                return Err(RequestError::Twice(feature));
            }
            if image.len() < start + at + HEAD {
                return Err(RequestError::Cut(feature));
            }
            requests.found.push((feature, start + at));
        }
        Ok(requests)
    }

    fn place(&self, feature: Feature) -> Option<usize> {
        self.found
            .iter()
            .find(|(found, _)| *found == feature)
            .map(|(_, place)| *place)
    }

    /// Whether the kernel makes this request.
    pub fn has(&self, feature: Feature) -> bool {
        self.place(feature).is_some()
    }

    /// The revision of a request that the kernel makes.
    pub fn revision(&self, image: &[u64], feature: Feature) -> Option<u64> {
        image.get(self.place(feature)? + 4).copied()
    }

    /// Word `index` of the fields after the head of a request that the kernel makes.
    pub fn field(&self, image: &[u64], feature: Feature, index: usize) -> Option<u64> {
        image.get(self.place(feature)? + HEAD + index).copied()
    }

    /// Writes the base revision in force into the kernel's tag: the second word always, and the third becomes 0 when
    /// it is the one asked for.
    pub fn answer_base_revision(&self, image: &mut [u64]) {
        let Some(tag) = self.tag else { return };
        if let [_, loaded, asked] = &mut image[tag..tag + 3] {
            *loaded = self.base_revision;
            *asked = if self.base_revision == self.asked_revision {
                0
            } else {
                *asked
            };
        }
    }

    /// Writes the address of a response into the request, if the kernel makes it.
    pub fn answer(&self, image: &mut [u64], feature: Feature, response: u64) {
        if let Some(place) = self.place(feature) {
            image[place + 5] = response;
        }
    }
}

/// Where `pattern`, which is not empty, begins in `image`.
fn positions<'a>(image: &'a [u64], pattern: &'a [u64]) -> impl Iterator<Item = usize> + 'a {
    let first = image
        .iter()
        .enumerate()
        .filter(|&(_, word)| *word == pattern[0]);
    first
        .map(|(at, _)| at)
        .filter(|&at| image[at..].starts_with(pattern))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn request(feature: Feature, fields: &[u64]) -> Vec<u64> {
        let id = FEATURES.iter().find(|(f, _)| *f == feature).unwrap().1;
        [&COMMON_MAGIC[..], &id, &[7, 0], fields].concat()
    }

    fn tag(revision: u64) -> Vec<u64> {
        [&BASE_REVISION_TAG[..], &[revision]].concat()
    }

    #[test]
    fn finds_and_answers() {
        let mut image = [&[0; 5], &tag(3)[..], &request(Feature::StackSize, &[65536])].concat();
        let requests = Requests::find(&image).unwrap();
        assert_eq!(requests.base_revision, 3);
        assert!(requests.has(Feature::StackSize) && !requests.has(Feature::Mp));
        assert_eq!(requests.field(&image, Feature::StackSize, 0), Some(65536));
        assert_eq!(requests.revision(&image, Feature::StackSize), Some(7));
        requests.answer_base_revision(&mut image);
        requests.answer(&mut image, Feature::StackSize, 42);
        requests.answer(&mut image, Feature::Mp, 43);
        assert_eq!(image[5..8], [BASE_REVISION_TAG[0], 3, 0]);
        assert_eq!(image[13], 42);
        assert!(!image.contains(&43));
    }

    #[test]
    fn base_revisions() {
        for (asked, loaded, left) in [(0, 0, 0), (2, 2, 0), (3, 3, 0), (4, 3, 4)] {
            let mut image = tag(asked);
            let requests = Requests::find(&image).unwrap();
            requests.answer_base_revision(&mut image);
            assert_eq!(
                (requests.base_revision, image[1], image[2]),
                (loaded, loaded, left)
            );
        }
        assert_eq!(Requests::find(&[0; 8]).unwrap().base_revision, 0);
    }

    #[test]
    fn markers_bound_the_search() {
        let stack = request(Feature::StackSize, &[1]);
        let hhdm = request(Feature::Hhdm, &[]);
        let image = [
            &stack[..],
            &START_MARKER,
            &tag(2),
            &hhdm,
            &END_MARKER,
            &request(Feature::Mp, &[0]),
        ]
        .concat();
        let requests = Requests::find(&image).unwrap();
        assert_eq!(requests.base_revision, 2);
        assert!(requests.has(Feature::Hhdm));
        assert!(!requests.has(Feature::StackSize) && !requests.has(Feature::Mp));
        let inside_out = [&END_MARKER[..], &stack, &START_MARKER].concat();
        assert_eq!(Requests::find(&inside_out).unwrap(), Requests::default());
    }

    #[test]
    fn refuses_doubles_and_cut_requests() {
        let hhdm = request(Feature::Hhdm, &[]);
        let error = |image: &[u64]| Requests::find(image).unwrap_err();
        assert_eq!(
            error(&[&hhdm[..], &hhdm].concat()),
            RequestError::Twice(Feature::Hhdm)
        );
        assert_eq!(error(&hhdm[..4]), RequestError::Cut(Feature::Hhdm));
        let unknown = vec![COMMON_MAGIC[0], COMMON_MAGIC[1], 1, 2, 0, 0];
        assert_eq!(Requests::find(&unknown).unwrap(), Requests::default());
        for cut in 0..3 {
            let mut image = tag(3);
            image.truncate(cut);
            if let Ok(requests) = Requests::find(&image) {
                requests.answer_base_revision(&mut image.clone());
            }
        }
    }
}
