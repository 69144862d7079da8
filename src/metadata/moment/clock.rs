//! A time in a zone, with the fields that formats ask for.

use std::collections::HashMap;
use std::sync::OnceLock;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// moment-timezone's data ends here; later, it keeps the last offset.
const LAST_TRANSITIONS: &str = "2499-12-31T00:00:00Z";

/// Where times without a zone of their own are shown.
#[derive(Clone, Debug)]
pub struct ZonedNow {
    /// The process's zone.
    pub local: TimeZone,
}

/// A time in a zone.
#[derive(Clone, Debug)]
pub struct Moment {
    milliseconds: i64,
    civil: DateTime,
    offset_seconds: i64,
    abbreviation: String,
    zoned: bool,
}

impl ZonedNow {
    /// Shows a time in a zone by name; in the process's own for a name that
    /// nobody knows, as moment does.
    pub fn moment(&self, time: Timestamp, zone: &str) -> Moment {
        match find(zone) {
            Some(zone) => moment(time, &zone, true),
            None => moment(time, &self.local, false),
        }
    }
}

/// A zone by name, in any case and with `_` for `/`.
fn find(name: &str) -> Option<TimeZone> {
    // The database's entry for a zone that is not set is none for moment.
    if name.eq_ignore_ascii_case("Factory") {
        return None;
    }
    if let Ok(zone) = TimeZone::get(name) {
        return Some(zone);
    }
    static NAMES: OnceLock<HashMap<String, String>> = OnceLock::new();
    let normal = |name: &str| name.to_lowercase().replace('/', "_");
    let names = NAMES.get_or_init(|| {
        let names = jiff::tz::db().available();
        names
            .map(|name| (normal(name.as_str()), name.as_str().to_owned()))
            .collect()
    });
    TimeZone::get(names.get(&normal(name))?).ok()
}

fn moment(time: Timestamp, zone: &TimeZone, zoned: bool) -> Moment {
    let last: Timestamp = LAST_TRANSITIONS.parse().unwrap_or(Timestamp::MAX);
    let info = zone.to_offset_info(if zoned { time.min(last) } else { time });
    Moment {
        milliseconds: time.as_millisecond(),
        civil: info.offset().to_datetime(time),
        offset_seconds: i64::from(info.offset().seconds()),
        abbreviation: if zoned {
            info.abbreviation().to_owned()
        } else {
            String::new()
        },
        zoned,
    }
}

impl Moment {
    pub fn is_utc(&self) -> bool {
        self.zoned && self.offset_seconds == 0
    }

    pub fn year(&self) -> i64 {
        i64::from(self.civil.year())
    }

    /// The year of its era: 1 BC is the year 0.
    pub fn era_year(&self) -> i64 {
        if self.year() > 0 {
            self.year()
        } else {
            1 - self.year()
        }
    }

    pub fn month(&self) -> i64 {
        i64::from(self.civil.month())
    }

    pub fn month_name(&self) -> &'static str {
        const NAMES: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        name(&NAMES, self.month() - 1)
    }

    pub fn quarter(&self) -> i64 {
        (self.month() + 2) / 3
    }

    pub fn day(&self) -> i64 {
        i64::from(self.civil.day())
    }

    pub fn day_of_year(&self) -> i64 {
        i64::from(self.civil.day_of_year())
    }

    /// Days since Sunday.
    pub fn weekday(&self) -> i64 {
        i64::from(self.civil.weekday().to_sunday_zero_offset())
    }

    pub fn weekday_name(&self) -> &'static str {
        const NAMES: [&str; 7] = [
            "Sunday",
            "Monday",
            "Tuesday",
            "Wednesday",
            "Thursday",
            "Friday",
            "Saturday",
        ];
        name(&NAMES, self.weekday())
    }

    /// Monday is 1, Sunday 7.
    pub fn iso_weekday(&self) -> i64 {
        i64::from(self.civil.weekday().to_monday_one_offset())
    }

    /// Year and week, where a week starts on Sunday and week 1 has January 1st.
    pub fn week(&self) -> (i64, i64) {
        week(self, 0, 6)
    }

    /// Year and week of ISO 8601.
    pub fn iso_week(&self) -> (i64, i64) {
        week(self, 1, 4)
    }

    pub fn hour(&self) -> i64 {
        i64::from(self.civil.hour())
    }

    pub fn minute(&self) -> i64 {
        i64::from(self.civil.minute())
    }

    pub fn second(&self) -> i64 {
        i64::from(self.civil.second())
    }

    pub fn millisecond(&self) -> i64 {
        i64::from(self.civil.millisecond())
    }

    pub fn unix_milliseconds(&self) -> i64 {
        self.milliseconds
    }

    /// `+02:00`; seconds of old local times are cut off.
    pub fn offset_text(&self, separator: &str) -> String {
        let sign = if self.offset_seconds < 0 { '-' } else { '+' };
        let minutes = self.offset_seconds.abs() / 60;
        format!("{sign}{:02}{separator}{:02}", minutes / 60, minutes % 60)
    }

    /// The zone's short name, empty for the process's own zone.
    pub fn abbreviation(&self) -> &str {
        &self.abbreviation
    }
}

fn name(names: &[&'static str], at: i64) -> &'static str {
    let at = usize::try_from(at).unwrap_or_default();
    names.get(at).copied().unwrap_or_default()
}

/// moment's `weekOfYear`: weeks start on `start`, and week 1 is the one with
/// January `7 + start - first`.
fn week(moment: &Moment, start: i64, first: i64) -> (i64, i64) {
    let year = moment.year();
    let offset = first_week(year, start, first);
    let week = (moment.day_of_year() - offset - 1).div_euclid(7) + 1;
    let weeks = |year: i64| {
        let next = first_week(year + 1, start, first);
        (days_in(year) - first_week(year, start, first) + next) / 7
    };
    if week < 1 {
        (year - 1, week + weeks(year - 1))
    } else if week > weeks(year) {
        (year + 1, week - weeks(year))
    } else {
        (year, week)
    }
}

/// Day of the year on which week 1 starts, less one.
fn first_week(year: i64, start: i64, first: i64) -> i64 {
    let day = 7 + start - first;
    // 1970-01-01 was a Thursday.
    let weekday = (days_before(year) + day - 1 + 4).rem_euclid(7);
    let after = (7 + weekday - start) % 7;
    day - 1 - after
}

/// Days from 1970-01-01 to January 1st of a year.
fn days_before(year: i64) -> i64 {
    let leaps = |year: i64| {
        let y = year - 1;
        y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400)
    };
    (year - 1970) * 365 + leaps(year) - leaps(1970)
}

fn days_in(year: i64) -> i64 {
    days_before(year + 1) - days_before(year)
}
