//! Samples, summed up.

/// What is told of a figure's samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// How many samples there are.
    pub n: usize,
    /// The middle one; the mean of the two in the middle when their number is even.
    pub median: f64,
    /// The smallest sample that 99 of 100 do not exceed (nearest rank).
    pub p99: f64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation of the population that the samples come from (divided by n - 1); 0 for one sample.
    pub deviation: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Summary {
    /// Sums up; `None` when there is nothing, or something that is no number.
    #[must_use]
    pub fn of(samples: &[f64]) -> Option<Summary> {
        if samples.is_empty() || samples.iter().any(|sample| !sample.is_finite()) {
            return None;
        }
        let mut sorted = samples.to_vec();
        sorted.sort_by(f64::total_cmp);
        let n = sorted.len();
        let mean = sorted.iter().sum::<f64>() / n as f64;
        let squares: f64 = sorted.iter().map(|sample| (sample - mean).powi(2)).sum();
        let deviation = (squares / (n.max(2) - 1) as f64).sqrt();
        let rank = (n * 99).div_ceil(100);
        Some(Summary {
            n,
            median: f64::midpoint(sorted[(n - 1) / 2], sorted[n / 2]),
            p99: sorted[rank - 1],
            mean,
            deviation,
            least: sorted[0],
            most: sorted[n - 1],
        })
    }

    /// The distance from the smallest to the largest sample, as a part of the median; 0 when all are alike.
    #[must_use]
    pub fn spread(&self) -> f64 {
        let distance = self.most - self.least;
        if distance == 0.0 {
            0.0
        } else {
            distance / self.median
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Summary;

    #[test]
    fn known_answers() {
        let summary = Summary::of(&[4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((summary.n, summary.median, summary.mean), (4, 2.5, 2.5));
        assert!((summary.deviation - (5.0f64 / 3.0).sqrt()).abs() < 1e-12);
        assert_eq!((summary.least, summary.most, summary.p99), (1.0, 4.0, 4.0));
        assert!((summary.spread() - 1.2).abs() < 1e-12);
    }

    #[test]
    fn the_99th_percentile_leaves_out_one_of_a_hundred() {
        let samples: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(Summary::of(&samples).unwrap().p99, 99.0);
        let samples: Vec<f64> = (1..=200).map(f64::from).collect();
        assert_eq!(Summary::of(&samples).unwrap().p99, 198.0);
    }

    #[test]
    fn one_sample_and_none() {
        let one = Summary::of(&[7.0]).unwrap();
        assert_eq!((one.median, one.p99, one.deviation), (7.0, 7.0, 0.0));
        assert_eq!(Summary::of(&[0.0, 0.0]).unwrap().spread(), 0.0);
        assert_eq!(Summary::of(&[]), None);
        assert_eq!(Summary::of(&[1.0, f64::NAN]), None);
    }
}
