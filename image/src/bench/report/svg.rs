//! Charts, as SVG. Colours are the page's classes `s0`, `s1`, .. one for each series.

use std::fmt::Write;

/// Bars of one row, as parts of the longest.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: String,
    /// Value and label of each series; `None` where there is none.
    pub(super) bars: Vec<Option<(f64, String)>>,
}

/// Widths and heights, in pixels.
const WIDTH: f64 = 900.0;
const NAMES: f64 = 170.0;
const LABELS: f64 = 165.0;
const BAR: f64 = 12.0;
const GAP: f64 = 10.0;

/// Horizontal bars, row by row: in each row the largest value has the whole width.
pub(super) fn bars(rows: &[Row]) -> String {
    let mut body = String::new();
    let mut y = GAP;
    for row in rows {
        let height = BAR * row.bars.len() as f64;
        let middle = y + height / 2.0 + 4.0;
        text(&mut body, NAMES - 8.0, middle, "end", &row.name);
        let values = row.bars.iter().flatten().map(|(value, _)| *value);
        let longest = values.fold(f64::MIN_POSITIVE, f64::max);
        for (series, bar) in row.bars.iter().enumerate() {
            let top = y + BAR * series as f64;
            if let Some((value, label)) = bar {
                let width = (WIDTH - NAMES - LABELS) * value / longest;
                put(
                    &mut body,
                    format_args!(
                        "<rect class=\"s{series}\" x=\"{NAMES}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>",
                        BAR - 1.0
                    ),
                );
                text(
                    &mut body,
                    NAMES + width + 6.0,
                    top + BAR - 2.5,
                    "start",
                    label,
                );
            }
        }
        y += height + GAP;
    }
    picture(WIDTH, y, &body)
}

/// A curve: points in order.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    /// Which colour.
    pub(super) series: usize,
    pub(super) points: Vec<(f64, f64)>,
}

/// How an axis is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// From zero, in equal steps.
    Linear,
    /// By powers.
    Logarithmic,
}

/// Places of an axis, with what they are called.
pub(super) type Marks = Vec<(f64, String)>;

/// One chart of curves.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) scale: (Scale, Scale),
    /// Of the axis to the right, and the one up.
    pub(super) marks: (Marks, Marks),
    pub(super) curves: Vec<Curve>,
}

const SIDE: (f64, f64) = (290.0, 210.0);
const MARGIN: (f64, f64, f64, f64) = (52.0, 12.0, 26.0, 24.0);

/// Curves over two axes.
pub(super) fn curves(chart: &Chart) -> String {
    let (left, right, top, bottom) = MARGIN;
    let across = Axis::new(chart.scale.0, &chart.marks.0, left, SIDE.0 - right);
    let up = Axis::new(chart.scale.1, &chart.marks.1, SIDE.1 - bottom, top);
    let mut body = String::new();
    text(&mut body, SIDE.0 / 2.0, 14.0, "middle", &chart.title);
    for (value, name) in &chart.marks.0 {
        let x = across.place(*value);
        line(&mut body, (x, top), (x, SIDE.1 - bottom));
        text(&mut body, x, SIDE.1 - 8.0, "middle", name);
    }
    for (value, name) in &chart.marks.1 {
        let y = up.place(*value);
        line(&mut body, (left, y), (SIDE.0 - right, y));
        text(&mut body, left - 5.0, y + 4.0, "end", name);
    }
    for curve in &chart.curves {
        let series = curve.series;
        let places: Vec<(f64, f64)> = curve
            .points
            .iter()
            .map(|&(x, y)| (across.place(x), up.place(y)))
            .collect();
        let path: Vec<String> = places
            .iter()
            .map(|(x, y)| format!("{x:.1},{y:.1}"))
            .collect();
        put(
            &mut body,
            format_args!(
                "<polyline class=\"l{series}\" points=\"{}\"/>",
                path.join(" ")
            ),
        );
        for (x, y) in places {
            put(
                &mut body,
                format_args!("<circle class=\"s{series}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\"/>"),
            );
        }
    }
    picture(SIDE.0, SIDE.1, &body)
}

/// An axis between two places of the picture.
struct Axis {
    scale: Scale,
    values: (f64, f64),
    places: (f64, f64),
}

impl Axis {
    fn new(scale: Scale, marks: &[(f64, String)], from: f64, to: f64) -> Axis {
        let values = marks.iter().map(|&(value, _)| value);
        let most = values.clone().fold(f64::MIN_POSITIVE, f64::max);
        let least = match scale {
            Scale::Linear => 0.0,
            Scale::Logarithmic => values.fold(most, f64::min),
        };
        Axis {
            scale,
            values: (least, most),
            places: (from, to),
        }
    }

    fn place(&self, value: f64) -> f64 {
        let ((least, most), (from, to)) = (self.values, self.places);
        let part = match self.scale {
            Scale::Linear => (value - least) / (most - least),
            Scale::Logarithmic if most > least => (value / least).ln() / (most / least).ln(),
            Scale::Logarithmic => 0.5,
        };
        from + part * (to - from)
    }
}

fn picture(width: f64, height: f64, body: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {width:.0} {height:.0}\" width=\"{width:.0}\" height=\"{height:.0}\" role=\"img\">{body}</svg>\n"
    )
}

fn text(body: &mut String, x: f64, y: f64, anchor: &str, said: &str) {
    let said = escape(said);
    put(
        body,
        format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{said}</text>"),
    );
}

fn line(body: &mut String, from: (f64, f64), to: (f64, f64)) {
    let ((x1, y1), (x2, y2)) = (from, to);
    put(
        body,
        format_args!("<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>"),
    );
}

fn put(body: &mut String, what: std::fmt::Arguments<'_>) {
    // A string takes everything.
    let _ = body.write_fmt(what);
}

/// `text` as HTML.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_bar_has_the_whole_width() {
        let rows = [Row {
            name: "a<b".to_owned(),
            bars: vec![
                Some((1.0, "1".to_owned())),
                None,
                Some((2.0, "2".to_owned())),
            ],
        }];
        let svg = bars(&rows);
        assert!(svg.contains("a&lt;b"), "{svg}");
        assert!(
            svg.contains("class=\"s0\" x=\"170\" y=\"10.0\" width=\"282.5\""),
            "{svg}"
        );
        assert!(
            svg.contains("class=\"s2\" x=\"170\" y=\"34.0\" width=\"565.0\""),
            "{svg}"
        );
        assert!(!svg.contains("class=\"s1\""), "{svg}");
    }

    #[test]
    fn points_lie_between_the_axes_ends() {
        let mark = |value: f64| (value, value.to_string());
        let axis = Axis::new(Scale::Linear, &[mark(0.0), mark(8.0)], 0.0, 80.0);
        assert_eq!(
            (axis.place(0.0), axis.place(2.0), axis.place(8.0)),
            (0.0, 20.0, 80.0)
        );
        let axis = Axis::new(Scale::Logarithmic, &[mark(1.0), mark(4.0)], 100.0, 0.0);
        assert_eq!(
            (axis.place(1.0), axis.place(2.0), axis.place(4.0)),
            (100.0, 50.0, 0.0)
        );
    }
}
