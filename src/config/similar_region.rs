//! Finds the regions that an unknown region resembles.

use super::region;

/// Places that name a region, in lower case without blanks, with the AWS name.
const PLACES: [(&str, &str); 34] = [
    ("virginia", "us-east-1"),
    ("nvirginia", "us-east-1"),
    ("northvirginia", "us-east-1"),
    ("ohio", "us-east-2"),
    ("fedramp", "us-east-2"),
    ("oregon", "us-west-2"),
    ("canada", "ca-central-1"),
    ("mexico", "mx-central-1"),
    ("saopaulo", "sa-east-1"),
    ("brazil", "sa-east-1"),
    ("dublin", "eu-west-1"),
    ("ireland", "eu-west-1"),
    ("london", "eu-west-2"),
    ("uk", "eu-west-2"),
    ("frankfurt", "eu-central-1"),
    ("germany", "eu-central-1"),
    ("germany", "eusc-de-east-1"),
    ("zurich", "eu-central-2"),
    ("zuerich", "eu-central-2"),
    ("switzerland", "eu-central-2"),
    ("eusovereigncloud", "eusc-de-east-1"),
    ("uae", "me-central-1"),
    ("mumbai", "ap-south-1"),
    ("india", "ap-south-1"),
    ("tokyo", "ap-northeast-1"),
    ("japan", "ap-northeast-1"),
    ("japan", "ap-northeast-3"),
    ("osaka", "ap-northeast-3"),
    ("seoul", "ap-northeast-2"),
    ("korea", "ap-northeast-2"),
    ("singapore", "ap-southeast-1"),
    ("sydney", "ap-southeast-2"),
    ("australia", "ap-southeast-2"),
    ("usgov", "us-east-2"),
];

/// More regions than this resemble a value only by chance.
const MAX_SIMILAR: usize = 2;

/// Returns the AWS names of the regions that a value resembles most: by AWS name, short name, domain or place.
pub(crate) fn similar_regions(value: &str) -> Vec<&'static str> {
    let value = value.trim().to_lowercase().replace('_', "-");
    let compact = compacted(&value);
    let hosts = hosts_in(&value);
    let of_regions = region::all().filter_map(|[aws, short, domain]| {
        let of_names = [distance(&compact, &compacted(aws)), distance(&compact, short)];
        let of_domains = hosts.iter().map(|host| distance(host, domain));
        let nearest = of_names.into_iter().chain(of_domains).flatten().min()?;
        Some((nearest, aws))
    });
    let of_places = PLACES.iter().filter_map(|(place, aws)| Some((distance(&compact, place)?, *aws)));
    nearest(of_regions.chain(of_places).collect())
}

/// Returns the names with the smallest distance, or none if there are too many.
fn nearest(mut found: Vec<(usize, &'static str)>) -> Vec<&'static str> {
    found.sort_unstable();
    found.dedup();
    let smallest = found.first().map(|(distance, _)| *distance);
    let names: Vec<&str> = found.iter().take_while(|(of, _)| Some(*of) == smallest).map(|(_, name)| *name).collect();
    if names.len() > MAX_SIMILAR { Vec::new() } else { names }
}

/// Returns the number of wrong letters if it is at most two and at most a third of the name. Two swapped letters count as
/// one.
fn distance(value: &str, name: &str) -> Option<usize> {
    let distance = strsim::osa_distance(value, name);
    (distance <= (name.len() / 3).min(2)).then_some(distance)
}

/// Returns the letters and digits of a name.
fn compacted(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).collect()
}

/// Returns the host of a value, and the host without its first label, such as `api`.
fn hosts_in(value: &str) -> Vec<String> {
    let Some(host) = region::host_of(value).filter(|host| host.contains('.')) else { return Vec::new() };
    let domain = host.split_once('.').map(|(_, domain)| domain.to_owned());
    domain.into_iter().filter(|domain| domain.contains('.')).chain([host]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_domain_or_place_resembles_its_region() {
        let cases: [(&str, &[&str]); 27] = [
            ("eu-wst-1", &["eu-west-1"]),
            ("EU-West1", &["eu-west-1"]),
            ("eu_wset_1", &["eu-west-1"]),
            ("uswest2", &["us-west-2"]),
            ("us-east", &["us-east-1", "us-east-2"]),
            ("euwl", &["eu-west-1", "eu-west-2"]),
            ("uew1", &["eu-west-1"]),
            ("prod-euw", &[]),
            ("mypurecloud.i", &["eu-west-1"]),
            ("mypurcloud.ie", &["eu-west-1"]),
            ("https://apps.mypurecluod.de/directory/", &["eu-central-1"]),
            ("mypurecloud.co.au", &["ap-southeast-2"]),
            ("usw2.purecloud", &["us-west-2"]),
            ("Ireland", &["eu-west-1"]),
            ("irland", &["eu-west-1"]),
            ("N. Virginia", &["us-east-1"]),
            ("São Paulo", &["sa-east-1"]),
            ("Zürich", &["eu-central-2"]),
            ("Germany", &["eu-central-1", "eusc-de-east-1"]),
            ("Tokio", &["ap-northeast-1"]),
            ("UAE", &["me-central-1"]),
            ("europe", &[]),
            ("mypurecloud.fr", &[]),
            ("example.com", &[]),
            ("", &[]),
            ("us", &[]),
            ("production", &[]),
        ];
        for (value, expected) in cases {
            assert_eq!(similar_regions(value), expected, "{value}");
        }
    }

    #[test]
    fn every_place_names_a_known_region() {
        for (place, aws) in PLACES {
            assert!(region::names().contains(&aws), "{place}");
            assert_eq!(compacted(place), place);
        }
    }
}
