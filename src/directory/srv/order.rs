//! In which order the servers of SRV records are to be tried (RFC 2782, "Usage rules").

/// One SRV record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Service {
    /// The lower, the earlier: a higher one is asked only where all lower ones fail.
    pub priority: u16,
    /// How often it comes first among those of its priority.
    pub weight: u16,
    pub host: String,
    pub port: u16,
}

/// Orders them: by priority and, within one, by chance, in proportion to the weights. `chance` gives a number from 0 up to
/// and with the one it is given.
pub fn arrange(mut services: Vec<Service>, chance: &mut impl FnMut(u32) -> u32) -> Vec<Service> {
    // Weight 0 first, as the RFC has it: so it has a small chance. The rest makes the order of DNS immaterial.
    services.sort();
    services.dedup();
    let mut arranged = Vec::with_capacity(services.len());
    while let Some(first) = services.first() {
        let priority = first.priority;
        let sum: u32 =
            services.iter().take_while(|one| one.priority == priority).map(|one| u32::from(one.weight)).sum();
        let drawn = chance(sum);
        let mut running = 0;
        let chosen = services.iter().position(|one| {
            running += u32::from(one.weight);
            running >= drawn
        });
        arranged.push(services.remove(chosen.unwrap_or(0)));
    }
    arranged
}

/// A number of the system's, for `arrange`. Without one the first comes first: an order as good as any.
#[must_use]
pub fn by_chance(most: u32) -> u32 {
    getrandom::u32().map_or(0, |number| number % most.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(priority: u16, weight: u16, host: &str) -> Service {
        Service { priority, weight, host: host.to_owned(), port: 389 }
    }

    fn hosts(services: &[Service]) -> Vec<&str> {
        services.iter().map(|one| one.host.as_str()).collect()
    }

    #[test]
    fn no_chance_brings_a_lower_priority_first() {
        let all = || vec![service(10, 65535, "far"), service(0, 0, "idle"), service(0, 1, "near")];
        for drawn in 0..=1 {
            let arranged = arrange(all(), &mut |most| drawn.min(most));
            assert_eq!(hosts(&arranged)[2], "far");
        }
    }

    #[test]
    fn the_number_drawn_chooses_by_running_sums_of_weights() {
        let all = || vec![service(0, 10, "a"), service(0, 30, "b"), service(0, 0, "c"), service(0, 60, "d")];
        let first = |drawn: u32| {
            let mut asked = Vec::new();
            let arranged = arrange(all(), &mut |most| {
                asked.push(most);
                if asked.len() == 1 { drawn } else { 0 }
            });
            assert_eq!(asked[0], 100);
            arranged[0].host.clone()
        };
        for (drawn, host) in [(0, "c"), (1, "a"), (10, "a"), (11, "b"), (40, "b"), (41, "d"), (100, "d")] {
            assert_eq!(first(drawn), host, "{drawn}");
        }
    }

    #[test]
    fn who_was_drawn_leaves_the_sum_and_what_dns_listed_twice_is_tried_once() {
        let mut asked = Vec::new();
        let all = vec![service(0, 5, "a"), service(0, 7, "b"), service(0, 5, "a"), service(1, 9, "c")];
        let arranged = arrange(all, &mut |most| {
            asked.push(most);
            most
        });
        assert_eq!((hosts(&arranged), asked), (vec!["b", "a", "c"], vec![12, 5, 9]));
    }

    #[test]
    fn the_heaviest_weights_do_not_overflow_and_the_systems_chance_stays_in_range() {
        let all: Vec<Service> = (0..70_000).map(|number| service(0, u16::MAX, &number.to_string())).take(500).collect();
        assert_eq!(arrange(all, &mut by_chance).len(), 500);
        assert!((0..1000).all(|_| by_chance(2) <= 2));
        assert_eq!(by_chance(0), 0);
    }

    #[test]
    fn over_many_draws_each_comes_first_as_often_as_its_weight_says() {
        let all = || vec![service(0, 10, "small"), service(0, 90, "big")];
        let small = (0..4000).filter(|_| arrange(all(), &mut by_chance)[0].host == "small").count();
        // 10 of 100, and one more number of the 101 that are drawn from: 436 expected; beyond these bounds once in 10^15 runs.
        assert!((270..640).contains(&small), "{small}");
    }
}
