//! Documents of every format, damaged and hostile ones, web pages, pictures.

use std::io::{Cursor, Write};

use serde_json::{Value, json};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::harness::{Api, Setup, text};
use crate::knowledge::{add, create, dataset, done, local, serve_page};

/// An archive with these files.
fn archive(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        archive
            .start_file(*name, SimpleFileOptions::default())
            .unwrap();
        archive.write_all(content.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn word(paragraph: &str) -> Vec<u8> {
    let document = format!(
        r#"<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>{paragraph}</w:t></w:r></w:p></w:body></w:document>"#
    );
    archive(&[("word/document.xml", &document)])
}

fn workbook(rows: &str) -> Vec<u8> {
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let package = "http://schemas.openxmlformats.org/package/2006";
    archive(&[
        (
            "[Content_Types].xml",
            &format!(r#"<Types xmlns="{package}/content-types"/>"#),
        ),
        (
            "_rels/.rels",
            &format!(
                r#"<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/workbook.xml",
            &format!(
                r#"<workbook xmlns="{main}" xmlns:r="{office}"><sheets><sheet name="Prices" sheetId="1" r:id="r1"/></sheets></workbook>"#
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &format!(
                r#"<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>"#
            ),
        ),
        (
            "xl/worksheets/sheet1.xml",
            &format!(r#"<worksheet xmlns="{main}"><sheetData>{rows}</sheetData></worksheet>"#),
        ),
    ])
}

fn cell(place: &str, content: &str) -> String {
    format!(r#"<c r="{place}" t="inlineStr"><is><t>{content}</t></is></c>"#)
}

/// A PDF file of one page; `objects` are numbered from 4, the page shows the first one.
fn pdf(resources: &str, objects: &[&str]) -> Vec<u8> {
    let page = format!(
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Resources<<{resources}>>/Contents 4 0 R>>"
    );
    let fixed = [
        "<</Type/Catalog/Pages 2 0 R>>",
        "<</Type/Pages/Kids[3 0 R]/Count 1>>",
        &page,
    ];
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (at, object) in fixed.iter().chain(objects).enumerate() {
        places.push(file.len());
        file.extend(format!("{} 0 obj\n{object}\nendobj\n", at + 1).into_bytes());
    }
    let table = file.len();
    let count = places.len() + 1;
    file.extend(format!("xref\n0 {count}\n0000000000 65535 f \n").into_bytes());
    for place in places {
        file.extend(format!("{place:010} 00000 n \n").into_bytes());
    }
    file.extend(
        format!("trailer<</Size {count}/Root 1 0 R>>\nstartxref\n{table}\n%%EOF").into_bytes(),
    );
    file
}

fn stream(dictionary: &str, content: &str) -> String {
    format!(
        "<<{dictionary}/Length {}>>\nstream\n{content}\nendstream",
        content.len()
    )
}

const FONT: &str = "/Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>";

fn simple_pdf(line: &str) -> Vec<u8> {
    pdf(
        FONT,
        &[&stream(
            "",
            &format!("BT /F1 12 Tf 50 200 Td ({line}) Tj ET"),
        )],
    )
}

/// Two Chinese characters, by numbers that only the file knows the meaning of.
fn chinese_pdf() -> Vec<u8> {
    let map = "/CIDInit /ProcSet findresource begin 12 dict begin begincmap \
               1 begincodespacerange <0000> <ffff> endcodespacerange \
               2 beginbfchar <0001> <9000> <0002> <8d27> endbfchar endcmap end end";
    let font = "<</Type/Font/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[<</Type/Font/Subtype/CIDFontType2/BaseFont/X/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/DW 1000/FontDescriptor<</Type/FontDescriptor/FontName/X/Flags 4>>>>]/ToUnicode 6 0 R>>";
    pdf(
        "/Font<</F1 5 0 R>>",
        &[
            &stream("", "BT /F1 12 Tf 50 200 Td <00010002> Tj ET"),
            font,
            &stream("", map),
        ],
    )
}

/// What the offline agent would read: all chunks of a document, by way of a search that finds them.
async fn chunks(api: &Api, kind: &str, bytes: &[u8]) -> (Value, i64, i64) {
    let dataset = dataset(api, 0).await;
    let progress = add(api, &dataset, local(&format!("a.{kind}"), kind, bytes)).await;
    let body = json!({"dataset_id": dataset});
    let reply = api.post("/open_api/knowledge/document/list", body).await;
    let document = &reply.json["document_infos"][0];
    let number = |name: &str| document[name].as_i64().unwrap();
    (progress, number("slice_count"), number("char_count"))
}

#[tokio::test]
async fn every_format_is_read() {
    let api = Api::start().await;
    let prices = [
        r#"<row r="1">"#,
        &cell("A1", "名称"),
        &cell("B1", "价格"),
        "</row>",
        r#"<row r="2">"#,
        &cell("A2", "茶"),
        r#"<c r="B2"><v>3.5</v></c></row>"#,
        r#"<row r="9">"#,
        &cell("A9", "酒"),
        "</row>",
    ]
    .concat();
    let (gb, _, _) = encoding_rs::GB18030.encode("退货政策");
    for (kind, bytes, slices, characters) in [
        ("txt", "退货政策".as_bytes().to_vec(), 1, 4),
        ("txt", gb.into_owned(), 1, 4),
        ("md", "# 退货\n\n七天".as_bytes().to_vec(), 1, 7),
        (
            "html",
            "<p>退货<script>no()</script>政策</p>".as_bytes().to_vec(),
            1,
            4,
        ),
        ("pdf", simple_pdf("Refunds"), 1, 7),
        ("pdf", chinese_pdf(), 1, 2),
        ("docx", word("退货 &amp; more"), 1, 9),
        ("csv", "名称,价格\n茶,3\n酒,5\n".as_bytes().to_vec(), 2, 22),
        ("xlsx", workbook(&prices), 2, 18),
        ("json", r#"[{"名称":"茶"}]"#.as_bytes().to_vec(), 1, 5),
    ] {
        let (progress, found_slices, found_characters) = chunks(&api, kind, &bytes).await;
        assert_eq!(progress["status"], 1, "{kind}: {progress}");
        assert_eq!(
            (found_slices, found_characters),
            (slices, characters),
            "{kind}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_fails_alone_and_says_why() {
    let api = Api::start().await;
    let zeros = "0".repeat(140 << 20);
    let far = r#"<row r="1048576"><c r="XFD1048576"><v>1</v></c></row>"#;
    let form = |resources: &str, content: &str| {
        stream(
            &format!("/Type/XObject/Subtype/Form/BBox[0 0 9 9]{resources}"),
            content,
        )
    };
    let draws = stream("", "/X Do");
    let itself = pdf(
        "/XObject<</X 5 0 R>>",
        &[&draws, &form("/Resources<</XObject<</X 5 0 R>>>>", "/X Do")],
    );
    let inherits = pdf("/XObject<</X 5 0 R>>", &[&draws, &form("", "/X Do")]);
    let mut doubling = vec![draws.clone()];
    for next in 6..40 {
        doubling.push(form(
            &format!("/Resources<</XObject<</X {next} 0 R>>>>"),
            "/X Do /X Do",
        ));
    }
    doubling.push(form("", ""));
    let doubling: Vec<&str> = doubling.iter().map(String::as_str).collect();
    let doubling = pdf("/XObject<</X 5 0 R>>", &doubling);
    let mut cut = simple_pdf("Refunds");
    cut.truncate(200);
    for (kind, bytes, why) in [
        ("txt", vec![0xff; 100], "it is no text"),
        ("txt", b"   \n ".to_vec(), "there is no text in it"),
        ("doc", b"\xd0\xcf\x11\xe0".to_vec(), "save it as docx"),
        ("docx", b"PK\x03\x04 no archive".to_vec(), "cannot be read"),
        ("docx", archive(&[("a.txt", "a")]), "no Word document"),
        (
            "docx",
            archive(&[("word/document.xml", "<a><b></a>")]),
            "cannot be read",
        ),
        (
            "docx",
            archive(&[("word/document.xml", &zeros)]),
            "unpacks to far more",
        ),
        (
            "xlsx",
            archive(&[("xl/workbook.xml", &zeros)]),
            "unpacks to far more",
        ),
        ("xlsx", workbook(far), "columns"),
        ("xlsx", b"no workbook".to_vec(), "cannot be read"),
        ("pdf", b"no PDF".to_vec(), "it is no PDF file"),
        ("pdf", cut, "cannot be read"),
        (
            "pdf",
            pdf("", &[&stream("", "BT (lost) Tj ET")]),
            "page 1 is damaged",
        ),
        ("pdf", pdf("", &[&stream("", "")]), "only pictures"),
        (
            "pdf",
            [simple_pdf("x"), b"/Encrypt".to_vec()].concat(),
            "encrypted",
        ),
        ("pdf", itself, "contain each other"),
        ("pdf", inherits, "contain each other"),
        ("pdf", doubling, "contain each other"),
        ("json", b"[1]".to_vec(), "list of objects"),
    ] {
        let (progress, slices, _) = chunks(&api, kind, &bytes).await;
        assert_eq!(
            (&progress["status"], slices),
            (&json!(9), 0),
            "{kind} {why}: {progress}"
        );
        let told = text(&progress["status_descript"]);
        assert!(told.contains(why), "{kind}: {told:?} is not {why:?}");
    }
    // The server goes on.
    let (progress, ..) = chunks(&api, "txt", b"still here").await;
    assert_eq!(progress["status"], 1);
}

#[tokio::test]
async fn web_pages_are_read_by_what_they_are() {
    let api = Setup::with("allow_private_networks: true\n").start().await;
    let dataset = dataset(&api, 0).await;
    for (kind, body, status) in [
        (
            "text/html; charset=utf-8",
            "<h1>退货</h1>".as_bytes().to_vec(),
            1,
        ),
        ("application/pdf", simple_pdf("Refunds"), 1),
        ("image/png", b"\x89PNG".to_vec(), 9),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/page", listener.local_addr().unwrap());
        tokio::spawn(serve_page(listener, kind, body));
        let source = json!({"web_url": url, "document_source": 1});
        let progress = add(
            &api,
            &dataset,
            json!({"name": "page", "source_info": source}),
        )
        .await;
        assert_eq!(progress["status"], status, "{kind}: {progress}");
        assert_eq!(progress["url"], url);
    }
}

#[tokio::test]
async fn names_that_lead_into_a_private_network_are_refused_when_they_are_looked_up() {
    let api = Api::start().await;
    let dataset = dataset(&api, 0).await;
    let source = json!({"web_url": "http://localhost:1/", "document_source": 1});
    let progress = add(
        &api,
        &dataset,
        json!({"name": "page", "source_info": source}),
    )
    .await;
    assert_eq!(progress["status"], 9);
    let told = text(&progress["status_descript"]);
    assert!(told.contains("private network"), "{told}");
}

#[tokio::test]
async fn pictures_are_found_by_their_captions() {
    let api = Api::start().await;
    let dataset = dataset(&api, 2).await;
    let upload = async |name: &str| {
        let part = format!(
            "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\nPNG\r\n--b--\r\n"
        );
        let request = api.request(reqwest::Method::POST, "/v1/files/upload");
        let request = request.header("content-type", "multipart/form-data; boundary=b");
        text(&api.send(request.body(part)).await.data()["id"])
    };
    let picture = |name: &str, id: &str| json!({"name": name, "source_info": {"source_file_id": id, "document_source": 5}});
    let bases = json!([
        picture("grey_cat.png", &upload("grey_cat.png").await),
        picture("dog.png", &upload("dog.png").await),
    ]);
    let reply = create(&api, &dataset, bases, json!({"caption_type": 0})).await;
    reply.data();
    let ids = reply.json["document_infos"].as_array().unwrap().iter();
    let ids: Vec<_> = ids.map(|it| text(&it["document_id"])).collect();
    for id in &ids {
        assert_eq!(done(&api, &dataset, id).await["status"], 1);
    }
    let list = async |query: &str| {
        let path = format!("/v1/datasets/{dataset}/images?{query}");
        let reply = api.get(&path).await;
        let data = reply.data();
        let infos = data["photo_infos"].as_array().unwrap().iter();
        let captions: Vec<_> = infos.map(|it| text(&it["caption"])).collect();
        assert_eq!(data["total_count"], captions.len());
        captions
    };
    assert_eq!(list("").await, ["dog", "grey cat"]);
    // As the Python SDK sends what is not set.
    assert_eq!(list("keyword=&has_caption=").await, ["dog", "grey cat"]);
    assert_eq!(list("keyword=cat").await, ["grey cat"]);
    assert_eq!(list("has_caption=false").await, Vec::<String>::new());
    let path = format!("/v1/datasets/{dataset}/images/{}", ids[1]);
    api.put(&path, json!({"caption": "一只黑狗"})).await.data();
    assert_eq!(list("has_caption=true").await, ["一只黑狗", "grey cat"]);
    let reply = api
        .get(&format!("/v1/datasets/{dataset}/images?keyword=黑狗"))
        .await;
    let shown = &reply.data()["photo_infos"][0];
    assert_eq!(
        (&shown["source_type"], &shown["type"]),
        (&json!(5), &json!("png"))
    );
}
