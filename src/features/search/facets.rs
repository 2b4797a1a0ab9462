//! Counts what finds are.

use std::collections::HashMap;

use super::response::{FacetBody, FacetsBody};
use super::store::Find;

const VALUES_MAX: usize = 20;

/// The facets of these finds.
pub(super) fn count(finds: &[Find]) -> FacetsBody {
    FacetsBody {
        kind: values(finds.iter().map(|find| find.kind.as_str())),
        status: values(finds.iter().filter_map(|find| find.status.as_deref())),
        category: values(finds.iter().filter_map(|find| find.category.as_deref())),
    }
}

/// Each value with how often it is there, the commonest first, then by name.
fn values<'a>(all: impl Iterator<Item = &'a str>) -> Vec<FacetBody> {
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for value in all {
        *counts.entry(value).or_default() += 1;
    }
    let mut counts: Vec<(&str, usize)> = counts.into_iter().collect();
    counts.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
    counts.truncate(VALUES_MAX);
    counts.into_iter().map(|(value, count)| FacetBody { value: value.to_owned(), count }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_commonest_come_first_and_there_are_not_too_many() {
        let names: Vec<String> = (0..30).map(|number| format!("{number:02}")).collect();
        let all = names.iter().chain(&names[5..7]).chain(&names[6..7]).map(String::as_str);
        let counted = values(all);
        assert_eq!(counted.len(), VALUES_MAX);
        let first: Vec<(&str, usize)> = counted[..3].iter().map(|it| (it.value.as_str(), it.count)).collect();
        assert_eq!(first, [("06", 3), ("05", 2), ("00", 1)]);
    }
}
