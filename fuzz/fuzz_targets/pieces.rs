//! A stream in pieces, as a socket may bring it.

/// Cuts a stream into pieces of these lengths, over and over. What zeros alone don't cut is the last piece.
pub fn pieces<'a>(stream: &'a [u8], lengths: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let cuts = if lengths.is_empty() { 0 } else { stream.len() };
    let mut left = Some(stream);
    let mut lengths = lengths.iter().cycle().take(cuts);
    std::iter::from_fn(move || {
        let rest = left?;
        match lengths.next() {
            Some(&length) => {
                let (piece, behind) = rest.split_at(rest.len().min(usize::from(length)));
                left = Some(behind);
                Some(piece)
            }
            None => left.take(),
        }
    })
}
