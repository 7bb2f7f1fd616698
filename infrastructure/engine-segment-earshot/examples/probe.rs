fn main(){ let rt=tokio::runtime::Builder::new_current_thread().build().unwrap(); use application::stages::transcribe::SpeechDetector;
 for f in std::env::args().skip(1){ let e=engine_segment_earshot::EarshotEngine::new(Default::default(),Default::default()); let r=rt.block_on(e.detect(std::path::Path::new(&f))).unwrap();
 let t:u64=r.iter().map(|s|s.len_ms()).sum(); println!("{:26} {:6} ms in {:2}: {}",f.rsplit('/').next().unwrap(),t,r.len(),r.iter().map(|s|format!("{}-{}",s.start_ms(),s.end_ms())).collect::<Vec<_>>().join(" ")); } }
