//! Settings whose value is one of a few words.

use std::fmt;
use std::str::FromStr;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
        #[serde(try_from = "String")]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(format!("`{text}` is none of: {}", [$($word),+].join(", "))),
                }
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$variant => $word,)+ })
            }
        }
    };
}

words! {
    /// On or off.
    Switch {
        /// In force.
        On = "on",
        /// Not in force.
        Off = "off",
    }
}

words! {
    /// How a line of the log looks.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object a line, for programs.
        Json = "json",
    }
}

words! {
    /// How safe what was committed must be before anyone hears of it.
    DefaultAck {
        /// The live journal has it.
        Redis = "redis",
        /// Every replica has it too.
        Replica = "replica",
        /// The archive has it too.
        Sql = "sql",
    }
}

words! {
    /// Who moves money in and out.
    Payments {
        /// Nobody: amounts are credited without any money behind them.
        Test = "test",
        /// Stripe.
        Stripe = "stripe",
    }
}
