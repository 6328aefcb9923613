//! Enums whose variants have fixed words: in rows, in the API, in addresses and in labels.

/// Defines an enum with the word of each variant, written once: `ALL`, `as_str` and `parse` follow from it.
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$attribute:meta])* $variant:ident => $word:literal,)+ }) => {
        $(#[$meta])*
        $vis enum $name {
            $($(#[$attribute])* $variant,)+
        }

        impl $name {
            pub const ALL: [$name; [$($word),+].len()] = [$($name::$variant),+];

            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }

            pub fn parse(word: &str) -> Option<$name> {
                $name::ALL.into_iter().find(|known| known.as_str() == word)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    words! {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Coin {
            /// Ten of them are a yuan.
            Jiao => "jiao",
            Fen => "fen",
        }
    }

    #[test]
    fn each_variant_has_its_word_both_ways() {
        assert_eq!(Coin::ALL.map(Coin::as_str), ["jiao", "fen"]);
        assert_eq!(
            Coin::ALL.map(|coin| Coin::parse(coin.as_str())),
            Coin::ALL.map(Some)
        );
        assert_eq!(Coin::parse("Fen"), None);
    }
}
