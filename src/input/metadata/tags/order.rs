//! The order of rules: by priority, higher first, equals as they stand.
//!
//! A priority that is no number is NaN, which compares equal to all others, so
//! the outcome depends on the algorithm. Follows the one of V8 (TimSort, which
//! for up to 63 elements is one run and a binary insertion of the rest).

use std::cmp::Ordering;

/// Sorts like `Array.prototype.sort` with a descending numeric comparison.
pub fn by_priority<T>(items: &mut [T], priority: impl Fn(&T) -> f64) {
    let compare = |a: &T, b: &T| {
        let (a, b) = (priority(a), priority(b));
        b.partial_cmp(&a).unwrap_or(Ordering::Equal)
    };
    if items.iter().any(|item| priority(item).is_nan()) {
        insert_all(items, compare);
    } else {
        items.sort_by(compare);
    }
}

fn insert_all<T>(items: &mut [T], compare: impl Fn(&T, &T) -> Ordering) {
    for at in first_run(items, &compare)..items.len() {
        let (sorted, rest) = items.split_at_mut(at);
        let Some(pivot) = rest.first() else { return };
        let place = insertion_point(sorted, pivot, &compare);
        if let Some(tail) = items.get_mut(place..=at) {
            tail.rotate_right(1);
        }
    }
}

/// Where an element goes: after all that it does not come before.
/// With NaN the comparison is not an order, so which elements are asked matters.
fn insertion_point<T>(sorted: &[T], pivot: &T, compare: &impl Fn(&T, &T) -> Ordering) -> usize {
    let (mut left, mut right) = (0, sorted.len());
    while left < right {
        let middle = left + (right - left) / 2;
        match sorted.get(middle).map(|item| compare(pivot, item)) {
            Some(Ordering::Less) => right = middle,
            _ => left = middle + 1,
        }
    }
    left
}

/// Length of the run at the start; a descending one is turned round.
fn first_run<T>(items: &mut [T], compare: &impl Fn(&T, &T) -> Ordering) -> usize {
    let mut orders = items.windows(2).map(|pair| match pair {
        [a, b] => compare(b, a),
        _ => Ordering::Equal,
    });
    let Some(first) = orders.next() else {
        return items.len();
    };
    let descending = first == Ordering::Less;
    let same = |order: &Ordering| (*order == Ordering::Less) == descending;
    let length = 2 + orders.take_while(same).count();
    if descending && let Some(run) = items.get_mut(..length) {
        run.reverse();
    }
    length
}

#[cfg(test)]
mod tests {
    use super::by_priority;

    #[test]
    fn equals_stay_in_order() {
        let mut items = [(1.0, 'a'), (2.0, 'b'), (1.0, 'c'), (2.0, 'd')];
        by_priority(&mut items, |item| item.0);
        assert_eq!(items.map(|item| item.1), ['b', 'd', 'a', 'c']);
    }

    #[test]
    fn priorities_that_are_no_numbers_sort_as_in_v8() {
        // node: [1, NaN, 3].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0)) and so on
        let sorted = |mut items: Vec<f64>| {
            by_priority(&mut items, |item| *item);
            items.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(sorted(vec![1.0, f64::NAN, 3.0]), ["1", "NaN", "3"]);
        assert_eq!(sorted(vec![f64::NAN, 1.0, 3.0]), ["NaN", "3", "1"]);
        assert_eq!(
            sorted(vec![1.0, 3.0, f64::NAN, 2.0]),
            ["3", "2", "1", "NaN"]
        );
    }
}
