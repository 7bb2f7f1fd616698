//! How often may be asked: per address, per user, per key, and by all together.
//!
//! Each has a bucket that fills evenly and holds what may be asked at once. Buckets are kept in memory only, and no
//! more of them than there is room for. Deliberately absent: quotas of tenants, which last for a month and are kept,
//! and what sign-ins cost, which is about failures (`application::throttle`).

mod bucket;
mod layer;

pub(crate) use layer::{RATE_LIMIT, RATE_LIMIT_POLICY, limit_address, limit_caller};

use bucket::Buckets;
use std::net::IpAddr;
use uuid::Uuid;

/// How often may be asked, per minute; 0 for as often as one likes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    /// From one address: an IPv4 address, or 64 bits of an IPv6 address, which one customer has.
    pub address_per_minute: u32,
    /// By one user.
    pub user_per_minute: u32,
    /// With one key.
    pub key_per_minute: u32,
    /// By all together.
    pub global_per_minute: u32,
    /// For how many seconds' worth may be asked at once after a pause.
    pub burst_seconds: u32,
}

impl Default for RateLimits {
    /// As often as one likes, a minute's worth at once where that is changed.
    fn default() -> Self {
        Self { address_per_minute: 0, user_per_minute: 0, key_per_minute: 0, global_per_minute: 0, burst_seconds: 60 }
    }
}

/// A limit, by the name that answers and measures give it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum RatePolicy {
    Global,
    Address,
    User,
    Key,
}

impl RatePolicy {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Global, Self::Address, Self::User, Self::Key];

    /// As clients and measures know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::Address => "address",
            Self::User => "user",
            Self::Key => "key",
        }
    }
}

/// Whose bucket it is. Addresses are personal: there is no `Debug`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum RateKey {
    /// Of all together.
    Global,
    /// Of an address, or of the network of one customer.
    Address(IpAddr),
    /// Of a user.
    Account(Uuid),
    /// Of a key.
    Key(Uuid),
}

impl RateKey {
    /// The key of an address: all of IPv4, the first 64 bits of IPv6, of which a customer has at least as many.
    pub fn address(ip: IpAddr) -> Self {
        Self::Address(match ip.to_canonical() {
            IpAddr::V4(ip) => IpAddr::V4(ip),
            IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() & !u128::from(u64::MAX)).into()),
        })
    }

    fn policy(&self) -> RatePolicy {
        match self {
            Self::Global => RatePolicy::Global,
            Self::Address(_) => RatePolicy::Address,
            Self::Account(_) => RatePolicy::User,
            Self::Key(_) => RatePolicy::Key,
        }
    }
}

/// How a bucket is after a request was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Of which limit.
    pub policy: RatePolicy,
    /// What the bucket holds when it is full.
    pub quota: u32,
    /// In how many seconds an empty one is full.
    pub window_seconds: u64,
    /// What it holds now.
    pub remaining: u32,
    /// In how many seconds it is full again; when it is empty, in how many there is something in it.
    pub reset_seconds: u64,
}

impl Standing {
    /// Whichever ends first.
    pub fn tightest(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(if other.remaining < one.remaining { other } else { one }),
            (one, other) => one.or(other),
        }
    }
}

/// All limits with their buckets.
pub(crate) struct RateLimiter {
    global: Option<Buckets>,
    address: Option<Buckets>,
    user: Option<Buckets>,
    key: Option<Buckets>,
}

impl RateLimiter {
    /// With full buckets.
    pub fn new(limits: RateLimits) -> Self {
        let buckets = |policy, per_minute| Buckets::new(policy, per_minute, limits.burst_seconds);
        Self {
            global: buckets(RatePolicy::Global, limits.global_per_minute),
            address: buckets(RatePolicy::Address, limits.address_per_minute),
            user: buckets(RatePolicy::User, limits.user_per_minute),
            key: buckets(RatePolicy::Key, limits.key_per_minute),
        }
    }

    /// Counts a request from an address. What one address asks in vain is not counted for all.
    pub fn count_address(&self, ip: IpAddr) -> Result<Option<Standing>, Standing> {
        let own = self.count(&RateKey::address(ip))?;
        Ok(Standing::tightest(own, self.count(&RateKey::Global)?))
    }

    /// Counts a request; an error when the bucket is empty. `None` where there is no limit.
    pub fn count(&self, key: &RateKey) -> Result<Option<Standing>, Standing> {
        let buckets = match key.policy() {
            RatePolicy::Global => &self.global,
            RatePolicy::Address => &self.address,
            RatePolicy::User => &self.user,
            RatePolicy::Key => &self.key,
        };
        buckets.as_ref().map(|buckets| buckets.take(key)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_customer_has_one_bucket_however_many_addresses() {
        let same = |one: &str, other: &str| RateKey::address(ip(one)) == RateKey::address(ip(other));
        assert!(same("2001:db8::1", "2001:db8::ffff:2") && same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1") && !same("192.0.2.1", "192.0.2.2"));
    }

    #[tokio::test(start_paused = true)]
    async fn what_one_address_asks_in_vain_is_not_taken_from_all() {
        let limits = RateLimits { address_per_minute: 2, global_per_minute: 5, ..RateLimits::default() };
        let limiter = RateLimiter::new(limits);
        let ask = |from: &str| limiter.count_address(ip(from)).map_err(|standing| standing.policy);
        let passed = (0..100).filter(|_| ask("192.0.2.1").is_ok()).count();
        assert_eq!(passed, 2);
        assert_eq!(ask("192.0.2.1"), Err(RatePolicy::Address));
        assert_eq!((3..10).filter(|last| ask(&format!("192.0.2.{last}")).is_ok()).count(), 3, "what is left for all");
        assert_eq!(ask("192.0.2.99"), Err(RatePolicy::Global));
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_limited_where_nobody_asks_for_it() {
        let limiter = RateLimiter::new(RateLimits::default());
        for _ in 0..10_000 {
            assert_eq!(limiter.count_address(ip("192.0.2.1")), Ok(None));
        }
        let user_only = RateLimiter::new(RateLimits { user_per_minute: 1, ..RateLimits::default() });
        assert!(user_only.count(&RateKey::Account(Uuid::nil())).is_ok());
        assert!(user_only.count(&RateKey::Account(Uuid::nil())).is_err());
        assert_eq!(user_only.count(&RateKey::Key(Uuid::nil())), Ok(None));
    }

    #[test]
    fn of_two_limits_the_one_is_told_that_ends_first() {
        let with =
            |policy, remaining| Some(Standing { policy, quota: 100, window_seconds: 60, remaining, reset_seconds: 1 });
        let (address, user) = (with(RatePolicy::Address, 7), with(RatePolicy::User, 3));
        assert_eq!(Standing::tightest(address, user), user);
        assert_eq!(Standing::tightest(user, address), user);
        assert_eq!(Standing::tightest(None, user), user);
        assert_eq!(Standing::tightest(address, None), address);
    }
}
