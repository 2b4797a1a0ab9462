//! What is for sale in the demo. All of it is made up.

/// Something to sell.
pub(super) struct Article {
    pub title: &'static str,
    pub category: &'static str,
    pub description: &'static str,
    /// What the bidders think it is worth, in minor units.
    pub worth: i64,
}

/// Under which conditions it is sold.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Manner {
    Plain,
    Reserve,
    BuyNow,
    Scheduled,
}

const fn article(title: &'static str, category: &'static str, worth: i64, description: &'static str) -> Article {
    Article { title, category, description, worth }
}

/// Everything there is; what was sold comes back later, as another piece of its kind.
pub(super) const ARTICLES: [Article; 18] = [
    article(
        "Brass ship's clock, eight-day movement",
        "clocks",
        42_000,
        "Serviced last winter and keeping time to half a minute a week. The bezel shows honest wear; key and wall plate included.",
    ),
    article(
        "Field camera in walnut, 4 × 5 inch",
        "cameras",
        78_000,
        "Bellows light-tight, all movements smooth, ground glass without a scratch. Comes with two film holders and a focusing cloth.",
    ),
    article(
        "Rangefinder with 50 mm lens",
        "cameras",
        56_500,
        "A pocketable companion with a bright finder. Shutter speeds measured and true, light seals new, leather case a little tired.",
    ),
    article(
        "First printing: The Lighthouse Atlas",
        "books",
        18_500,
        "Cloth boards, dust jacket with one closed tear, forty hand-coloured plates. A former owner's pencil notes on two pages.",
    ),
    article(
        "Set of twelve botanical prints, framed",
        "art",
        24_000,
        "Ferns and mosses after pressed specimens, on heavy rag paper. Oak frames with museum glass, ready to hang.",
    ),
    article(
        "Harbour at first light, oil on canvas",
        "art",
        96_000,
        "Unsigned, from a coastal estate. Loose brushwork, good colour, relined and cleaned. 60 by 80 centimetres without the frame.",
    ),
    article(
        "Mid-century lounge chair in teak",
        "furniture",
        64_000,
        "New webbing, wool cushions in moss green, joints tight. The arms have the patina that only fifty years of elbows give.",
    ),
    article(
        "Drafting lamp with counterweight",
        "furniture",
        9_800,
        "Moves with one finger and stays where it is put. Rewired with cloth cable; the enamel shade has two small chips.",
    ),
    article(
        "Steel touring bicycle, 57 cm",
        "bicycles",
        52_000,
        "Lugged frame repainted in river blue, wheels trued, new chain and tyres. Racks front and rear, ready for a long road.",
    ),
    article(
        "Track hubs, large flange, pair",
        "bicycles",
        11_500,
        "High-polish alloy, smooth cones, thirty-six holes. Laced once, never raced.",
    ),
    article(
        "Analogue synthesiser, 37 keys",
        "music",
        88_000,
        "Two oscillators, a filter that growls, and every slider cleaned. Stays in tune after ten minutes of warming up.",
    ),
    article(
        "Parlour guitar in spruce and walnut",
        "music",
        39_500,
        "Ladder-braced, quick to answer, at home on a sofa. New bone nut; a repaired crack in the top that does not move.",
    ),
    article(
        "Hand-thrown tea set for six",
        "ceramics",
        13_200,
        "Stoneware with an ash glaze that ran just far enough. Pot, six cups, and a tray cut from one plank of cherry.",
    ),
    article(
        "Celadon vase with crackle glaze",
        "ceramics",
        21_000,
        "Thirty centimetres tall, a quiet green that changes with the light. No chips, no hairlines.",
    ),
    article(
        "Star chart globe on a brass stand",
        "curiosities",
        27_500,
        "The northern and southern sky in midnight blue. Turns freely; the meridian ring is engraved by hand.",
    ),
    article(
        "Box of forty map pins and a surveyor's chain",
        "curiosities",
        6_400,
        "Complete to the last link, in a fitted case. Somebody measured a valley with this.",
    ),
    article(
        "Mechanical watch, manual wind",
        "watches",
        71_000,
        "Cream dial, blued hands, a movement finished where nobody sees it. Runs five seconds fast a day.",
    ),
    article(
        "Diver's watch, 200 metres",
        "watches",
        58_000,
        "Pressure-tested this year. The bezel clicks as it should, and the strap is new.",
    ),
];

impl Manner {
    /// The manners take turns, so that there is always one of each.
    pub(super) fn of(number: usize) -> Self {
        match number % 6 {
            1 => Self::Reserve,
            3 => Self::BuyNow,
            5 => Self::Scheduled,
            _ => Self::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_hub_would_take_every_article() {
        for Article { title, category, description, worth } in ARTICLES {
            assert!((1..=200).contains(&title.chars().count()), "{title}");
            assert!((1..=60).contains(&category.len()) && !description.is_empty(), "{title}");
            assert!(worth >= 5_000, "{title} leaves no room to bid");
        }
    }

    #[test]
    fn a_full_house_has_every_manner_and_many_categories() {
        let manners: Vec<Manner> = (0..super::super::AUCTIONS).map(Manner::of).collect();
        for manner in [Manner::Plain, Manner::Reserve, Manner::BuyNow, Manner::Scheduled] {
            assert!(manners.contains(&manner), "{manner:?}");
        }
        let categories: BTreeSet<_> = ARTICLES.iter().map(|article| article.category).collect();
        assert!(categories.len() >= 6);
    }
}
