//! What a machine's screen shows, read back by the bitmaps of the kernel's font.

use std::collections::BTreeMap;

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

const FONT: FontWeight = FontWeight::Regular;
const SIZE: RasterHeight = RasterHeight::Size16;
const HEIGHT: usize = SIZE.val();
const WIDTH: usize = get_raster_width(FONT, SIZE);

/// A picture of QEMU's `screendump`: how light each pixel is.
#[derive(Debug)]
pub struct Picture {
    width: usize,
    lights: Vec<u8>,
}

impl Picture {
    /// Reads a portable pixmap (`P6`, 8 bits for each color) that shows greys only; `None` when it is not a whole one.
    #[must_use]
    pub fn read(file: &[u8]) -> Option<Picture> {
        let mut rest = file;
        let mut word = || {
            let end = rest.iter().position(u8::is_ascii_whitespace)?;
            let word = std::str::from_utf8(&rest[..end]).ok()?;
            rest = &rest[end + 1..];
            Some(word)
        };
        let magic = word()?;
        let mut number = || word()?.parse::<usize>().ok();
        let (width, height, most) = (number()?, number()?, number()?);
        if magic != "P6" || most != 255 || rest.len() != 3 * width * height {
            return None;
        }
        let lights = rest.chunks_exact(3).map(|color| color[0]).collect();
        Some(Picture { width, lights })
    }

    /// The rows of text that it shows, as wide as the screen; what is no character of the font is `None`.
    #[must_use]
    pub fn rows(&self) -> Option<Vec<String>> {
        let glyphs: BTreeMap<Vec<u8>, char> = (' '..='~')
            .filter_map(|character| {
                let raster = get_raster(character, FONT, SIZE)?;
                Some((raster.pixels().to_vec(), character))
            })
            .collect();
        let columns = self.width / WIDTH;
        let rows = self.lights.len() / self.width / HEIGHT;
        let cell = |row: usize, column: usize| {
            let lines = (0..HEIGHT).map(|y| (row * HEIGHT + y) * self.width + column * WIDTH);
            let lights: Vec<u8> = lines
                .flat_map(|at| &self.lights[at..at + WIDTH])
                .copied()
                .collect();
            glyphs.get(&lights).copied()
        };
        (0..rows)
            .map(|row| (0..columns).map(|column| cell(row, column)).collect())
            .collect()
    }
}

/// The rows that a screen shows after these lines: wrapped at its width, the last ones, and a blank row for the next.
#[must_use]
pub fn expected(lines: &[&str], columns: usize, rows: usize) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for line in lines {
        let characters: Vec<char> = line.chars().collect();
        match characters.is_empty() {
            true => all.push(String::new()),
            false => all.extend(characters.chunks(columns).map(String::from_iter)),
        }
    }
    all.push(String::new());
    let mut shown = all.split_off(all.len().saturating_sub(rows));
    shown.resize(rows, String::new());
    shown.iter().map(|row| format!("{row:columns$}")).collect()
}
