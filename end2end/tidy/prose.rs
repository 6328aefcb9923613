//! Plain prose: comments name their object first, and use the trade's words.

use super::{CRATES, Faults, Kind, rust_files};

/// First words that hide the object of a comment.
const RIDDLING_OPENERS: [&str; 22] = [
    "who",
    "whom",
    "whose",
    "whoever",
    "what",
    "whatever",
    "where",
    "when",
    "how",
    "why",
    "which",
    "without",
    "of",
    "with",
    "nobody",
    "somebody",
    "everybody",
    "anybody",
    "whichever",
    "wherever",
    "whether",
    "however",
];

/// Words for people. More than one in a thousand words means that programs and messages are spoken of as people.
const PEOPLE: [&str; 7] = [
    "who",
    "whom",
    "whoever",
    "nobody",
    "somebody",
    "anybody",
    "everybody",
];

#[test]
fn doc_comments_open_with_their_object() {
    let mut faults = Faults::default();
    for file in rust_files(&CRATES).iter().filter(|file| !file.is_test()) {
        let mut is_inside = false;
        for (index, line) in file.text.lines().enumerate() {
            let Some(text) = line.trim().strip_prefix("///") else {
                is_inside = false;
                continue;
            };
            let first = text.split_whitespace().next().unwrap_or_default().to_lowercase();
            let first = first.trim_matches(|c: char| !c.is_alphanumeric());
            // `Whether` opens a question about a state, as the standard library does.
            if !is_inside && first != "whether" && RIDDLING_OPENERS.contains(&first) {
                faults.add(
                    file,
                    index + 1,
                    "open with a verb (Returns …) or the noun that the item is",
                );
            }
            is_inside = true;
        }
    }
    faults.report();
}

#[test]
fn comments_speak_of_people_only_where_people_are_meant() {
    let (mut n_words, mut n_people) = (0_usize, 0_usize);
    for file in rust_files(&CRATES).iter().filter(|file| !file.is_test()) {
        for piece in file.pieces().iter().filter(|piece| piece.kind == Kind::Comment) {
            for word in piece.text.split_whitespace() {
                n_words += 1;
                let word = word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
                n_people += usize::from(PEOPLE.contains(&word.as_str()));
            }
        }
    }
    assert!(n_words > 5_000, "the comments were not found: {n_words} words");
    assert!(
        n_people * 1_000 <= n_words,
        "who, nobody and the like stand {n_people} times in {n_words} words of comments"
    );
}
