//! The text of a screen: a window of rows that scrolls, and a cursor.

/// The most columns and rows.
pub(super) const COLUMNS: usize = 256;
pub(super) const ROWS: usize = 80;
const TAB: usize = 8;
const ESCAPE: u8 = 0x1b;
const BLANK: u8 = b' ';

/// Rows of characters, of which the upper left ones are used. Scrolling moves no row: the first one shown is elsewhere.
pub(super) struct Text {
    rows: [[u8; COLUMNS]; ROWS],
    columns: usize,
    height: usize,
    first: usize,
    row: usize,
    column: usize,
    state: State,
}

/// Where in a terminal's control sequence (ECMA-48, 5.4) the text is. Sequences are passed over.
#[derive(Clone, Copy)]
enum State {
    Text,
    Escaped,
    Sequence,
}

impl Text {
    pub(super) const fn new() -> Self {
        Self {
            rows: [[BLANK; COLUMNS]; ROWS],
            columns: 0,
            height: 0,
            first: 0,
            row: 0,
            column: 0,
            state: State::Text,
        }
    }

    /// Sets the size, in characters, at most [`COLUMNS`] and [`ROWS`].
    pub(super) fn resize(&mut self, columns: usize, height: usize) {
        self.columns = columns.min(COLUMNS);
        self.height = height.min(ROWS);
    }

    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    pub(super) fn height(&self) -> usize {
        self.height
    }

    /// The characters of a row, counted from the top.
    pub(super) fn row(&self, row: usize) -> &[u8] {
        &self.rows[(self.first + row) % self.height][..self.columns]
    }

    /// Takes a byte of text; what is not ASCII shows as a question mark.
    pub(super) fn put(&mut self, byte: u8) {
        self.state = match (self.state, byte) {
            (State::Text, ESCAPE) => State::Escaped,
            (State::Escaped, b'[') | (State::Sequence, 0x20..0x40) => State::Sequence,
            (State::Escaped | State::Sequence, _) => State::Text,
            (State::Text, _) => {
                self.show(byte);
                State::Text
            }
        };
    }

    fn show(&mut self, byte: u8) {
        match byte {
            b'\n' => self.new_line(),
            b'\r' => self.column = 0,
            // Back space.
            8 => self.column = self.column.saturating_sub(1),
            b'\t' => self.column = (self.column / TAB + 1) * TAB,
            _ if byte.is_ascii_control() => {}
            _ => {
                if self.column >= self.columns {
                    self.new_line();
                }
                let row = (self.first + self.row) % self.height;
                self.rows[row][self.column] = if byte.is_ascii() { byte } else { b'?' };
                self.column += 1;
            }
        }
    }

    fn new_line(&mut self) {
        self.column = 0;
        if self.row + 1 < self.height {
            self.row += 1;
        } else {
            self.rows[self.first] = [BLANK; COLUMNS];
            self.first = (self.first + 1) % self.height;
        }
    }
}
