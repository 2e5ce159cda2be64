//! The log on the framebuffer, for boards without a serial port.
//!
//! Reading video memory is slow, so nothing scrolls: below the last row the text goes on at the top, and the row
//! after the newest one is blank.

use crate::arch::Relax;
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};
use spin::mutex::SpinMutex;

const FONT: FontWeight = FontWeight::Regular;
const SIZE: RasterHeight = RasterHeight::Size16;
/// Pixels of a character.
const HEIGHT: usize = SIZE.val();
const WIDTH: usize = get_raster_width(FONT, SIZE);

/// A framebuffer with 32 bits per pixel.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Virtual address of the upper left pixel, the same in the loader's mapping and the kernel's.
    pub address: usize,
    /// Pixels in a row.
    pub width: usize,
    /// Rows of pixels.
    pub height: usize,
    /// Bytes from row to row.
    pub pitch: usize,
    /// Positions of red, green and blue, 8 bits each.
    pub shifts: [u8; 3],
}

struct Writer {
    screen: Screen,
    row: usize,
    column: usize,
}

static WRITER: SpinMutex<Option<Writer>, Relax> = SpinMutex::new(None);

/// Shows the log on `screen` too, from now on.
pub fn start(screen: Screen) {
    if screen.width < WIDTH || screen.height < 2 * HEIGHT {
        return;
    }
    let mut writer = Writer {
        screen,
        row: 0,
        column: 0,
    };
    (0..screen.height / HEIGHT).for_each(|row| writer.clear(row));
    *WRITER.lock() = Some(writer);
}

/// Shows text; does nothing without a screen.
pub(super) fn write(text: &[u8]) {
    if let Some(writer) = WRITER.lock().as_mut() {
        text.iter().for_each(|byte| writer.put(*byte));
    }
}

/// Frees the screen for a core that stops the machine.
///
/// # Safety
/// As for [`super::break_lock`].
pub(super) unsafe fn break_lock() {
    // SAFETY: K12, by the caller's promise.
    unsafe { WRITER.force_unlock() };
}

impl Writer {
    fn put(&mut self, byte: u8) {
        if byte == b'\n' || self.column == self.screen.width / WIDTH {
            let rows = self.screen.height / HEIGHT;
            self.row = (self.row + 1) % rows;
            self.column = 0;
            self.clear(self.row);
            self.clear((self.row + 1) % rows);
        }
        if byte.is_ascii_control() {
            return;
        }
        // The font has all of ASCII; what is not ASCII shows as a question mark.
        let character = if byte.is_ascii() {
            char::from(byte)
        } else {
            '?'
        };
        let Some(raster) = get_raster(character, FONT, SIZE) else {
            return;
        };
        for (y, line) in raster.rows().enumerate() {
            for (x, light) in line.iter().enumerate() {
                self.pixel(self.column * WIDTH + x, self.row * HEIGHT + y, *light);
            }
        }
        self.column += 1;
    }

    fn clear(&mut self, row: usize) {
        for y in row * HEIGHT..(row + 1) * HEIGHT {
            for x in 0..self.screen.width {
                self.pixel(x, y, 0);
            }
        }
    }

    fn pixel(&mut self, x: usize, y: usize, light: u8) {
        let Screen {
            address,
            width,
            height,
            pitch,
            shifts,
        } = self.screen;
        if x >= width || y >= height {
            return;
        }
        let color = shifts
            .iter()
            .fold(0, |color, shift| color | u32::from(light) << shift);
        // SAFETY: K2, inside the framebuffer that the loader states.
        unsafe { ((address + y * pitch + x * 4) as *mut u32).write_volatile(color) };
    }
}
