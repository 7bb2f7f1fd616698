//! Which containers a file's extension may stand for, and which kind of fault a refusal is.
//!
//! Containers are named as the prober names them: by caps. An extension that does not stand here says nothing.

use domain::asset::WhyQuarantined;

/// Containers by what they have in common; a family is named by parts of its caps names.
const MP4: &[&str] = &["video/quicktime", "audio/x-m4a", "video/mp4", "audio/mp4", "application/x-3gp", "video/mj2"];
const MATROSKA: &[&str] = &["video/x-matroska", "audio/x-matroska", "video/x-matroska-3d", "video/webm", "audio/webm"];
const OGG: &[&str] = &["application/ogg", "video/ogg", "audio/ogg", "application/x-ogm-video", "application/x-annodex"];
const MPEG_STREAM: &[&str] = &["video/mpegts", "video/mpeg", "video/x-cdxa"];
const MPEG_SOUND: &[&str] = &["audio/mpeg", "audio/x-ac3", "audio/x-eac3"];
const WAVE: &[&str] = &["audio/x-wav", "audio/x-w64", "audio/x-rf64"];
const AVI: &[&str] = &["video/x-msvideo"];
const ASF: &[&str] = &["video/x-ms-asf"];
const FLV: &[&str] = &["video/x-flv"];
const FLAC: &[&str] = &["audio/x-flac"];
const AIFF: &[&str] = &["audio/x-aiff"];
const MXF: &[&str] = &["application/mxf"];

/// What an extension may stand for.
const EXTENSIONS: &[(&str, &[&[&str]])] = &[
    ("mp4", &[MP4]),
    ("m4v", &[MP4]),
    ("mov", &[MP4]),
    ("qt", &[MP4]),
    ("3gp", &[MP4]),
    ("3g2", &[MP4]),
    ("m4a", &[MP4]),
    // Bare AAC has the caps name of MPEG sound.
    ("aac", &[MPEG_SOUND, MP4]),
    ("mkv", &[MATROSKA]),
    ("mka", &[MATROSKA]),
    ("webm", &[MATROSKA]),
    ("ogg", &[OGG]),
    ("ogv", &[OGG]),
    ("oga", &[OGG]),
    ("opus", &[OGG]),
    ("ts", &[MPEG_STREAM]),
    ("mts", &[MPEG_STREAM]),
    ("m2ts", &[MPEG_STREAM]),
    ("mpg", &[MPEG_STREAM]),
    ("mpeg", &[MPEG_STREAM]),
    ("vob", &[MPEG_STREAM]),
    ("mp3", &[MPEG_SOUND]),
    ("mp2", &[MPEG_SOUND]),
    ("ac3", &[MPEG_SOUND]),
    ("wav", &[WAVE]),
    ("wave", &[WAVE]),
    ("avi", &[AVI]),
    ("wmv", &[ASF]),
    ("wma", &[ASF]),
    ("asf", &[ASF]),
    ("flv", &[FLV]),
    ("flac", &[FLAC]),
    ("aif", &[AIFF]),
    ("aiff", &[AIFF]),
    ("mxf", &[MXF]),
    // What media are certainly not, whatever a demuxer finds in them.
    ("exe", &[]),
    ("dll", &[]),
    ("html", &[]),
    ("js", &[]),
    ("pdf", &[]),
    ("php", &[]),
    ("sh", &[]),
    ("svg", &[]),
    ("zip", &[]),
];

/// The extension of a name, in small letters; `None` when it has none that could be one.
fn extension(name: &str) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.')?;
    let is_one =
        !stem.is_empty() && (1..=8).contains(&extension.len()) && extension.bytes().all(|b| b.is_ascii_alphanumeric());
    is_one.then(|| extension.to_ascii_lowercase())
}

/// Whether a file of this name may be in this container.
pub(super) fn agree(name: &str, container: &str) -> bool {
    let Some(extension) = extension(name) else {
        return true;
    };
    let known = EXTENSIONS.iter().find(|(known, _)| *known == extension);
    known.is_none_or(|(_, families)| families.iter().any(|family| family.contains(&container)))
}

/// Which kind of fault a refusal of the prober or the inspector is.
pub(super) fn why(code: &str) -> WhyQuarantined {
    match code {
        "not-media" | "undecodable" | "unreadable" | "no-stream" | "extension-mismatch" => WhyQuarantined::Unsupported,
        _ => WhyQuarantined::NotDubbable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, container: &str, expected: bool) {
        assert_eq!(agree(name, container), expected, "{name} in {container}");
    }

    #[test]
    fn extension_and_container_agree_or_not() {
        check("talk.mp4", "video/quicktime", true);
        check("TALK.MP4", "video/quicktime", true);
        check("talk.mov", "video/quicktime", true);
        check("talk.mkv", "video/webm", true);
        check("talk.webm", "video/x-matroska", true);
        check("talk.mp3", "audio/mpeg", true);
        check("talk.opus", "audio/ogg", true);
        check("talk.mp4", "video/x-matroska", false);
        check("talk.mp3", "video/quicktime", false);
        check("talk.wav", "audio/mpeg", false);
        check("talk.mp4.exe", "video/quicktime", false);
        check("talk.exe.mp4", "video/quicktime", true);
    }

    #[test]
    fn an_extension_that_is_not_known_says_nothing() {
        for name in ["talk", "talk.", ".mp3", "", "talk.xyz", "talk.mp3/", "../talk.mp 3", "talk.\u{200b}mp3"] {
            check(name, "video/quicktime", true);
        }
    }

    #[test]
    fn every_extension_stands_once_and_in_small_letters() {
        let mut names: Vec<&str> = EXTENSIONS.iter().map(|(name, _)| *name).collect();
        assert!(names.iter().all(|name| extension(&format!("a.{name}")).as_deref() == Some(name)));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), EXTENSIONS.len());
    }
}
