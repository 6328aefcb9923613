//! The text format of Prometheus, made from OpenMetrics: a counter is described under the name of its sample, and nothing
//! marks the end.

/// Rewrites a page of OpenMetrics.
pub fn plain_text(open_metrics: &str) -> String {
    let mut page = String::with_capacity(open_metrics.len());
    let mut help = None;
    for line in open_metrics.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            // The kind, which decides the name, comes after the help.
            (Some("#"), Some("HELP"), Some(_), text) => help = text,
            (Some("#"), Some("TYPE"), Some(name), Some(kind)) => {
                let suffix = if kind == "counter" { "_total" } else { "" };
                if let Some(help) = help.take() {
                    page.push_str(&format!("# HELP {name}{suffix} {help}\n"));
                }
                page.push_str(&format!("# TYPE {name}{suffix} {kind}\n"));
            }
            (Some("#"), ..) => {}
            _ => {
                page.push_str(line);
                page.push('\n');
            }
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_described_under_the_name_of_its_sample() {
        let open = "# HELP a A thing.\n# TYPE a counter\na_total{b=\"c d\"} 1\n# HELP g Age of it.\n# TYPE g gauge\n\
                    # UNIT g seconds\ng 2\n# EOF\n";
        let plain = "# HELP a_total A thing.\n# TYPE a_total counter\na_total{b=\"c d\"} 1\n# HELP g Age of it.\n\
                     # TYPE g gauge\ng 2\n";
        assert_eq!(plain_text(open), plain);
    }
}
