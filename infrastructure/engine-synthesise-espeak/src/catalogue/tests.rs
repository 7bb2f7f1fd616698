//! The lists of espeak-ng 1.51, shortened, and what must be found in them.

use super::*;

const VOICES: &str = "\
Pty Language       Age/Gender VoiceName          File                 Other Languages
 5  ca              --/M      Catalan            roa/ca
 5  chr-US-Qaaa-x-west --/M      Cherokee_          iro/chr
 5  cmn             --/M      Chinese_(Mandarin,_latin_as_English) sit/cmn              (zh-cmn 5)(zh 5)
 5  en-029          --/M      English_(Caribbean) gmw/en-029           (en 10)
 2  en-us           --/M      English_(America)  gmw/en-US            (en 3)
 2  en-gb           --/M      English_(Great_Britain) gmw/en               (en 2)
 5  es              --/M      Spanish_(Spain)    roa/es
 5  es-419          --/M      Spanish_(Latin_America) roa/es-419           (es-mx 6)(es 6)
 5  ka              --/F      Georgian           ccs/ka
 5  pt-br           --/M      Portuguese_(Brazil) roa/pt-BR            (pt 6)
 5  vi-vn-x-central --/M      Vietnamese_(Central) aav/vi-VN-x-central
 5  yue             --/M      Chinese_(Cantonese) sit/yue              (zh-yue 5)(zh 8)
 5  yue             --/M      Chinese_(Cantonese,_latin_as_Jyutping) sit/yue-Latn-jyutping (zh-yue 5)(zh 8)
not a voice line
";
const VARIANTS_LIST: &str = "\
Pty Language       Age/Gender VoiceName          File                 Other Languages
 5  variant         --/F      Andrea             !v/Andrea
 5  variant         --/M      Mr_Serious         !v/Mr serious
 5  variant         --/F      female2            !v/f2
 5  variant         70/F      female1            !v/f1
 5  variant         --/M      male3              !v/m3
";

fn catalogue() -> Catalogue {
    Catalogue::parse(VOICES, VARIANTS_LIST)
}

#[track_caller]
fn check_voices(language: &str, expected: &[&str]) {
    let tag: LanguageTag = language.parse().unwrap();
    let names: Vec<String> = catalogue().voices(Some(&tag)).into_iter().map(|voice| voice.name).collect();
    assert_eq!(names, expected, "for {language}");
}

#[track_caller]
fn check_find(voice: &str, expected: Option<&str>) {
    assert_eq!(catalogue().find(voice).as_deref(), expected, "for {voice:?}");
}

#[test]
fn languages_become_bcp_47_tags_each_once() {
    let expected = "ca chr-US-Qaaa-x-west cmn en-029 en-US en-GB es es-419 ka pt-BR vi-VN-x-central yue";
    let expected: Vec<LanguageTag> = expected.split(' ').map(|tag| tag.parse().unwrap()).collect();
    assert_eq!(catalogue().languages(), expected);
}

#[test]
fn a_language_finds_its_own_voice_first_then_variants_then_near_ones() {
    check_voices("ca", &["ca", "ca+f2", "ca+f1", "ca+m3"]);
    check_voices("es", &["es", "es+f2", "es+f1", "es+m3", "es-419", "es-419+f2", "es-419+f1", "es-419+m3"]);
    check_voices("es-MX", &["es-419", "es-419+f2", "es-419+f1", "es-419+m3"]);
    check_voices("pt", &["pt-br", "pt-br+f2", "pt-br+f1", "pt-br+m3"]);
    check_voices("pt-AO", &["pt-br", "pt-br+f2", "pt-br+f1", "pt-br+m3"]);
    check_voices("vi", &["vi-vn-x-central", "vi-vn-x-central+f2", "vi-vn-x-central+f1", "vi-vn-x-central+m3"]);
    check_voices("xx", &[]);
}

#[test]
fn espeak_priorities_order_regions() {
    let tag = "en".parse().unwrap();
    let own: Vec<String> =
        catalogue().voices(Some(&tag)).into_iter().map(|v| v.name).filter(|n| !n.contains('+')).collect();
    assert_eq!(own, ["en-gb", "en-us", "en-029"]);
}

#[test]
fn genders_are_told() {
    let voices = catalogue().voices(None);
    let gender = |name: &str| voices.iter().find(|voice| voice.name == name).map(|voice| voice.gender);
    assert_eq!(gender("es"), Some(Gender::Male));
    assert_eq!(gender("es+f2"), Some(Gender::Female));
    assert_eq!(gender("ka"), Some(Gender::Female));
    assert_eq!(gender("es+m8"), None, "not installed");
    assert_eq!(voices.len(), 12 * 4);
}

#[test]
fn voices_are_found_by_name_and_nothing_else_is() {
    check_find("es", Some("es"));
    check_find("ES+f2", Some("es+f2"));
    check_find("pt-BR+m3", Some("pt-br+m3"));
    check_find("pt", Some("pt-br"));
    check_find("zh", Some("cmn"));
    check_find("es+Andrea", Some("es+Andrea"));
    for unknown in ["", "xx", "es+", "es+q9", "es+f2+m3", "+f2", "es+../f2", "gmw/en", "-v", "es+Mr serious", "es f2"] {
        check_find(unknown, None);
    }
}

#[test]
fn an_empty_list_is_an_empty_catalogue() {
    assert!(Catalogue::parse("", "").voices(None).is_empty());
}
