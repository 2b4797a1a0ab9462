//! What people ask for: words of titles that there are, as common in queries as in titles.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::corpus::{CATEGORIES, Corpus};

pub type Query = Vec<(&'static str, String)>;

/// So many queries, each with its kind.
pub fn queries(corpus: &Corpus, seed: u64, count: usize) -> Vec<(&'static str, Query)> {
    let mut random = StdRng::seed_from_u64(seed);
    (0..count).map(|_| query(corpus, &mut random)).collect()
}

fn query(corpus: &Corpus, random: &mut StdRng) -> (&'static str, Query) {
    let title: Vec<&str> = corpus.titles[random.random_range(0..corpus.titles.len())].split(' ').collect();
    let at = random.random_range(0..title.len() - 2);
    let (one, two, three) = (title[at], title[at + 1], title[at + 2]);
    let words = |text: String| vec![("q", text)];
    let status = |random: &mut StdRng| ["open", "ended", "scheduled"][random.random_range(0..3)].to_owned();
    match random.random_range(0..100) {
        0..20 => ("one word", words(format!("\"{one}\""))),
        20..40 => ("two words", words(format!("{one} {two}"))),
        40..50 => ("three words", words(format!("{three} {one} {two}"))),
        50..65 => {
            let typed = two.chars().count().clamp(2, random.random_range(2..=6));
            let unfinished: String = two.chars().take(typed).collect();
            ("unfinished word", words(if random.random() { unfinished } else { format!("{one} {unfinished}") }))
        }
        65..70 => ("phrase", words(format!("\"{one} {two}\""))),
        70..75 => ("without a word", words(format!("{one} -{two}"))),
        75..85 => ("misspelt word", words(misspelt(&corpus.titles, random))),
        85..90 => ("word in comments", vec![("q", one.to_owned()), ("kind", "comment".to_owned())]),
        90..97 => {
            let mut query = words(one.to_owned());
            match random.random_range(0..3) {
                0 => query.push(("status", status(random))),
                1 => query.push(("category", format!("Category {}", random.random_range(1..=CATEGORIES)))),
                _ => query.extend([("price_min", "50000".to_owned()), ("price_max", "60000".to_owned())]),
            }
            ("word and filter", query)
        }
        _ => {
            let category = format!("Category {}", random.random_range(1..=CATEGORIES));
            ("filter alone", vec![("category", category), ("status", status(random))])
        }
    }
}

/// A word that is long enough, with two letters swapped.
fn misspelt(titles: &[String], random: &mut StdRng) -> String {
    loop {
        let title = &titles[random.random_range(0..titles.len())];
        let Some(word) = title.split(' ').find(|word| word.len() >= 6) else { continue };
        let mut letters: Vec<char> = word.chars().collect();
        let at = random.random_range(1..letters.len() - 1);
        if letters[at] != letters[at - 1] {
            letters.swap(at, at - 1);
            return letters.into_iter().collect();
        }
    }
}
