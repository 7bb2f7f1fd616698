//! From the language codes of containers to BCP 47.

use domain::value::LanguageTag;

/// ISO 639-2 codes (bibliographic and terminological) that have an ISO 639-1 code, which BCP 47 wants
/// instead (RFC 5646 §2.2.1). Source: the Library of Congress' code list.
const TWO_LETTERS: &str = "aar aa, abk ab, afr af, aka ak, alb sq, amh am, ara ar, arg an, arm hy, asm as, ava av, ave ae, aym ay, \
    aze az, bak ba, bam bm, baq eu, bel be, ben bn, bih bh, bis bi, bod bo, bos bs, bre br, bul bg, bur my, \
    cat ca, ces cs, cha ch, che ce, chi zh, chu cu, chv cv, cor kw, cos co, cre cr, cym cy, cze cs, dan da, \
    deu de, div dv, dut nl, dzo dz, ell el, eng en, epo eo, est et, eus eu, ewe ee, fao fo, fas fa, fij fj, \
    fin fi, fra fr, fre fr, fry fy, ful ff, geo ka, ger de, gla gd, gle ga, glg gl, glv gv, gre el, grn gn, \
    guj gu, hat ht, hau ha, heb he, her hz, hin hi, hmo ho, hrv hr, hun hu, hye hy, ibo ig, ice is, ido io, \
    iii ii, iku iu, ile ie, ina ia, ind id, ipk ik, isl is, ita it, jav jv, jpn ja, kal kl, kan kn, kas ks, \
    kat ka, kau kr, kaz kk, khm km, kik ki, kin rw, kir ky, kom kv, kon kg, kor ko, kua kj, kur ku, lao lo, \
    lat la, lav lv, lim li, lin ln, lit lt, ltz lb, lub lu, lug lg, mac mk, mah mh, mal ml, mao mi, mar mr, \
    may ms, mkd mk, mlg mg, mlt mt, mon mn, mri mi, msa ms, mya my, nau na, nav nv, nbl nr, nde nd, ndo ng, \
    nep ne, nld nl, nno nn, nob nb, nor no, nya ny, oci oc, oji oj, ori or, orm om, oss os, pan pa, per fa, \
    pli pi, pol pl, por pt, pus ps, que qu, roh rm, ron ro, rum ro, run rn, rus ru, sag sg, san sa, sin si, \
    slk sk, slo sk, slv sl, sme se, smo sm, sna sn, snd sd, som so, sot st, spa es, sqi sq, srd sc, srp sr, \
    ssw ss, sun su, swa sw, swe sv, tah ty, tam ta, tat tt, tel te, tgk tg, tgl tl, tha th, tib bo, tir ti, \
    ton to, tsn tn, tso ts, tuk tk, tur tr, twi tw, uig ug, ukr uk, urd ur, uzb uz, ven ve, vie vi, vol vo, \
    wel cy, wln wa, wol wo, xho xh, yid yi, yor yo, zha za, zho zh, zul zu";

/// The tag of a container's language code; `None` for codes that name no language (`und`, `mis`, `mul`,
/// `zxx`) and for text that is no code. Two-letter codes and BCP 47 tags pass.
pub(crate) fn language_of(code: &str) -> Option<LanguageTag> {
    let (primary, rest) = code.split_once('-').unwrap_or((code, ""));
    let primary = primary.to_ascii_lowercase();
    if matches!(primary.as_str(), "und" | "mis" | "mul" | "zxx") {
        return None;
    }
    let short = TWO_LETTERS.split(", ").filter_map(|pair| pair.split_once(' ')).find(|(long, _)| *long == primary);
    let primary = short.map_or(primary.as_str(), |(_, short)| short);
    let tag = if rest.is_empty() { primary.to_owned() } else { format!("{primary}-{rest}") };
    tag.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::language_of;

    #[test]
    fn codes_of_containers_become_tags() {
        let check = |code: &str, tag: Option<&str>| {
            assert_eq!(language_of(code).as_ref().map(LanguageTag::as_str), tag, "{code}");
        };
        use domain::value::LanguageTag;
        check("eng", Some("en"));
        check("en", Some("en"));
        check("ger", Some("de"));
        check("deu", Some("de"));
        check("zho", Some("zh"));
        check("POR", Some("pt"));
        check("pt-br", Some("pt-BR"));
        check("ast", Some("ast"));
        check("und", None);
        check("zxx", None);
        check("", None);
        check("not a code", None);
    }
}
