//! Circles: files of which each one needs each other one, by whatever way.

use std::collections::BTreeSet;

use petgraph::algo::tarjan_scc;
use petgraph::graphmap::DiGraphMap;

use crate::sources::ModulePath;

/// The circles of two files and more, the largest first, with the imports within each.
#[must_use]
pub fn circles(edges: &BTreeSet<(ModulePath, ModulePath)>) -> Vec<Circle<'_>> {
    let graph =
        DiGraphMap::<&ModulePath, ()>::from_edges(edges.iter().map(|(from, to)| (from, to)));
    let mut circles: Vec<Circle> = tarjan_scc(&graph)
        .into_iter()
        .filter(|members| members.len() > 1)
        .map(|members| Circle {
            imports: edges
                .iter()
                .filter(|(from, to)| members.contains(&from) && members.contains(&to))
                .collect(),
            members,
        })
        .collect();
    circles.sort_by_key(|circle| std::cmp::Reverse(circle.members.len()));
    circles
}

/// Files that need each other.
#[derive(Debug)]
pub struct Circle<'a> {
    /// The files.
    pub members: Vec<&'a ModulePath>,
    /// The imports between them.
    pub imports: Vec<&'a (ModulePath, ModulePath)>,
}
