//! The log on the framebuffer, for boards without a serial port.
//!
//! Reading video memory is slow, and writing all of it for every line is too: what is written changes the *text* in memory,
//! and what differs from the text that is *shown* is drawn, at once or, while much is written, [`PERIOD`] later by
//! whichever core idles or takes a timer interrupt then.

mod text;

use crate::time::{self, Nanos};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crossbeam_utils::CachePadded;
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};
use spin::mutex::SpinMutex;
use sync::Relax;
use text::{COLUMNS, ROWS, Text};

const FONT: FontWeight = FontWeight::Regular;
const SIZE: RasterHeight = RasterHeight::Size16;
/// Pixels of a character, before it is enlarged.
const HEIGHT: usize = SIZE.val();
const WIDTH: usize = get_raster_width(FONT, SIZE);
/// Nanoseconds between the drawings of a text that changes all the time.
const PERIOD: u64 = 20_000_000;

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

/// A screen, the text that belongs on it and the text that is on it.
struct Writer {
    screen: Option<Screen>,
    /// Each pixel of the font is a square of so many.
    scale: usize,
    text: Text,
    shown: [[u8; COLUMNS]; ROWS],
}

static WRITER: SpinMutex<Writer, Relax> = SpinMutex::new(Writer {
    screen: None,
    scale: 1,
    text: Text::new(),
    shown: [[0; COLUMNS]; ROWS],
});

/// Text waits to be drawn. Every core looks at it at every tick: no neighbour of it is ever written.
#[used] // Or the optimizer takes the padding away.
static WAITING: CachePadded<AtomicBool> = CachePadded::new(AtomicBool::new(false));
/// When text was drawn last, in nanoseconds.
static DRAWN: AtomicU64 = AtomicU64::new(0);

/// Shows the log on `screen` too, from now on.
pub fn start(screen: Screen) {
    let mut writer = WRITER.lock();
    let size = |scale: usize| {
        let (width, height) = (WIDTH * scale, HEIGHT * scale);
        (screen.width / width, screen.height / height)
    };
    let fits = |(columns, rows): (usize, usize)| columns <= COLUMNS && rows <= ROWS;
    let scale = (1..8).find(|scale| fits(size(*scale))).unwrap_or(8);
    let (columns, rows) = size(scale);
    if columns == 0 || rows == 0 {
        return;
    }
    writer.scale = scale;
    writer.text.resize(columns, rows);
    writer.screen = Some(screen);
    writer.clear();
    writer.draw();
}

/// Shows text; does nothing without a screen.
pub(super) fn write(text: &[u8]) {
    let mut writer = WRITER.lock();
    if writer.screen.is_none() {
        return;
    }
    text.iter().for_each(|byte| writer.text.put(*byte));
    if is_due() {
        writer.draw();
    } else {
        WAITING.store(true, Ordering::Relaxed);
    }
}

/// Draws what waits to be drawn, if it is time; cheap otherwise. Called by cores that idle or take a timer interrupt.
#[inline]
pub fn refresh() {
    if WAITING.load(Ordering::Relaxed)
        && is_due()
        && let Some(mut writer) = WRITER.try_lock()
    {
        writer.draw();
    }
}

/// When what waits to be drawn should be drawn: a core that is about to sleep looks again then.
pub fn deadline() -> Option<Nanos> {
    let waiting = WAITING.load(Ordering::Relaxed);
    waiting.then(|| Nanos::new(DRAWN.load(Ordering::Relaxed)) + Nanos::new(PERIOD))
}

/// Draws everything, for a machine that is about to end.
pub fn show() {
    WRITER.lock().draw();
}

/// While the clock stands still, early in booting, it is always time.
fn is_due() -> bool {
    let now = time::now().get();
    now == 0 || now.saturating_sub(DRAWN.load(Ordering::Relaxed)) >= PERIOD
}

/// Frees the screen for a core that stops the machine.
///
/// # Safety
/// As for [`super::break_lock`].
pub(super) unsafe fn break_lock() {
    // SAFETY: K12, by the caller's promise.
    unsafe { WRITER.force_unlock() };
    // Whoever held it may have drawn what it did not note.
    WRITER.lock().shown = [[0; COLUMNS]; ROWS];
}

impl Writer {
    /// Makes the whole screen black, its edges too, where no character comes.
    fn clear(&mut self) {
        let Some(screen) = self.screen else { return };
        for y in 0..screen.height {
            (0..screen.width).for_each(|x| screen.pixel(x, y, 0));
        }
        self.shown = [[b' '; COLUMNS]; ROWS];
    }

    /// Draws the characters that have changed.
    fn draw(&mut self) {
        let Some(screen) = self.screen else { return };
        WAITING.store(false, Ordering::Relaxed);
        for row in 0..self.text.height() {
            let wanted = &self.text.row(row)[..self.text.columns()];
            let shown = &mut self.shown[row][..wanted.len()];
            for (column, (wanted, shown)) in wanted.iter().zip(shown).enumerate() {
                if wanted != shown {
                    screen.character(column, row, *wanted, self.scale);
                    *shown = *wanted;
                }
            }
        }
        DRAWN.store(time::now().get(), Ordering::Relaxed);
    }
}

impl Screen {
    fn character(&self, column: usize, row: usize, byte: u8, scale: usize) {
        // The font has all of ASCII.
        let Some(raster) = get_raster(char::from(byte), FONT, SIZE) else {
            return;
        };
        let (left, top) = (column * WIDTH * scale, row * HEIGHT * scale);
        for y in 0..HEIGHT * scale {
            for x in 0..WIDTH * scale {
                let light = raster.pixel(x / scale, y / scale).unwrap_or(0);
                self.pixel(left + x, top + y, light);
            }
        }
    }

    fn pixel(&self, x: usize, y: usize, light: u8) {
        if x >= self.width || y >= self.height {
            return;
        }
        let color = self
            .shifts
            .iter()
            .fold(0, |color, shift| color | u32::from(light) << shift);
        // SAFETY: K2, inside the framebuffer that the loader states.
        unsafe { ((self.address + y * self.pitch + x * 4) as *mut u32).write_volatile(color) };
    }
}
