//! The web server that ksink posts to in the HTTP rows, and how a cell's posts are judged.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

use base64::prelude::{BASE64_STANDARD, Engine as _};

use super::{
    landed::{Landed, Output},
    plan::{Cell, Header},
};

/// How the server answers the posts of a cell's records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Answer {
    #[default]
    Takes,
    /// Twice 500 for each record, then 200.
    FailsTwice,
    /// Always 404.
    Refuses,
}

impl Answer {
    /// How often ksink posts a record that is answered in this way.
    fn attempts(self) -> usize {
        match self {
            Self::Takes | Self::Refuses => 1,
            Self::FailsTwice => 3,
        }
    }

    /// The status for the attempt of that number, from 1.
    fn status(self, attempt: usize) -> &'static str {
        match self {
            Self::Refuses => "404 Not Found",
            Self::FailsTwice if attempt < 3 => "500 Internal Server Error",
            Self::Takes | Self::FailsTwice => "200 OK",
        }
    }
}

/// What one post said: the names and values of its head, in lower case the names, and its body.
#[derive(Clone)]
pub(crate) struct Post {
    pub head: Vec<(String, String)>,
    body: String,
}

impl Post {
    fn says(&self, name: &str) -> &str {
        self.head.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// Where the head says something else than the body, a line of jsonl, in a sentence.
    fn check_head(&self) -> Option<String> {
        let landed = match Landed::parse(self.body.trim_end()) {
            Ok(landed) => landed,
            Err(error) => return Some(format!("{error:#}")),
        };
        let astray = head(&landed).into_iter().find(|(name, value)| match value {
            Some(value) => !self.head.iter().any(|pair| (&pair.0, &pair.1) == (name, value)),
            None => self.head.iter().any(|(known, _)| known == name),
        });
        astray.map(|(name, value)| format!("{name} is not {value:?} in the head of {landed}"))
    }
}

/// What the head of a record's post has to say, and what it must not.
fn head(landed: &Landed) -> Vec<(String, Option<String>)> {
    let number = |number: i64| Some(number.to_string());
    let fields = [
        ("content-type", Some("application/json".to_owned())),
        ("x-kafka-topic", Some(landed.topic.clone())),
        ("x-kafka-partition", number(landed.partition.into())),
        ("x-kafka-offset", number(landed.offset)),
        ("x-kafka-timestamp", landed.timestamp_ms.and_then(number)),
        ("x-kafka-key", landed.key.as_ref().map(|key| BASE64_STANDARD.encode(key))),
    ];
    let headers = landed.headers.iter().map(|Header(name, value)| {
        let value = String::from_utf8_lossy(value.as_deref().unwrap_or_default());
        (format!("x-kafka-header-{}", name.to_lowercase()), Some(value.into_owned()))
    });
    fields.map(|(name, value)| (name.to_owned(), value)).into_iter().chain(headers).collect()
}

/// All posts of a record, by the key that stays the same for all of them.
pub(crate) type Posts = BTreeMap<String, Vec<Post>>;

/// Compares how often, and with what head, the records of a cell were posted.
pub(crate) fn check_posts(cell: &Cell, posts: &Posts) -> Vec<String> {
    let attempts = cell.http.attempts();
    let mut differences = Vec::new();
    if posts.len() != cell.records.len() {
        differences.push(format!("{} records were posted of {}", posts.len(), cell.records.len()));
    }
    for (key, posts) in posts {
        if posts.len() != attempts {
            differences.push(format!("{key} was posted {} times, not {attempts}", posts.len()));
        }
        differences.extend(posts.iter().filter_map(Post::check_head));
    }
    differences
}

/// The server; it answers for as long as this program runs.
pub(crate) struct WebServer {
    addr: SocketAddr,
    visitors: Arc<Mutex<Visitors>>,
}

/// What was posted, and what came of it.
#[derive(Default)]
struct Visitors {
    answers: HashMap<String, Answer>,
    posts: HashMap<String, Posts>,
    taken: Output,
}

impl WebServer {
    /// Starts to answer the posts of these cells.
    pub(crate) fn start(cells: &[Cell]) -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let addr = listener.local_addr()?;
        let answers = cells
            .iter()
            .flat_map(|cell| cell.topics().into_iter().map(|topic| (topic.to_owned(), cell.http)));
        let visitors =
            Arc::new(Mutex::new(Visitors { answers: answers.collect(), ..Visitors::default() }));
        let book = Arc::clone(&visitors);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let book = Arc::clone(&book);
                // One that breaks off is ksink's to try again.
                thread::spawn(move || serve(connection, &book).ok());
            }
        });
        Ok(Self { addr, visitors })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/records", self.addr)
    }

    /// The bodies that were taken, by topic.
    pub(crate) fn taken(&self) -> Output {
        self.visitors().taken.clone()
    }

    /// All posts, by topic.
    pub(crate) fn posts(&self) -> HashMap<String, Posts> {
        self.visitors().posts.clone()
    }

    fn visitors(&self) -> MutexGuard<'_, Visitors> {
        self.visitors.lock().expect("answering does not panic")
    }
}

fn serve(connection: TcpStream, visitors: &Mutex<Visitors>) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let mut answers = connection.try_clone()?;
    let mut requests = BufReader::new(connection);
    while let Some(post) = read_post(&mut requests)? {
        let status = visitors.lock().expect("answering does not panic").answer(post);
        write!(answers, "HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n")?;
    }
    Ok(())
}

impl Visitors {
    fn answer(&mut self, post: Post) -> &'static str {
        let topic = post.says("x-kafka-topic").to_owned();
        let Some(answer) = self.answers.get(&topic) else { return "400 Bad Request" };
        let key = post.says("idempotency-key").to_owned();
        let body = post.body.clone();
        let attempts = self.posts.entry(topic.clone()).or_default().entry(key).or_default();
        attempts.push(post);
        let status = answer.status(attempts.len());
        if status.starts_with('2') {
            self.taken.entry(topic).or_default().extend(body.lines().map(str::to_owned));
        }
        status
    }
}

/// Reads a request with a Content-Length, or nothing where the other side has hung up.
fn read_post(requests: &mut impl BufRead) -> io::Result<Option<Post>> {
    let mut line = String::new();
    if requests.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let wrong = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    if line != "POST /records HTTP/1.1\r\n" {
        return Err(wrong(&line));
    }
    let mut head = Vec::new();
    loop {
        line.clear();
        requests.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        head.push((name.to_lowercase(), value.trim().to_owned()));
    }
    let mut post = Post { head, body: String::new() };
    let length = post.says("content-length").parse().map_err(|_| wrong("no length"))?;
    requests.take(length).read_to_string(&mut post.body)?;
    Ok(Some(post))
}

#[cfg(test)]
impl Post {
    /// The post of a line of jsonl where nothing is at fault.
    pub(crate) fn of(line: &str) -> Self {
        let said = head(&Landed::parse(line).unwrap()).into_iter();
        let said = said.filter_map(|(name, value)| Some((name, value?)));
        Self { head: said.collect(), body: format!("{line}\n") }
    }

    /// All posts of such lines that the answer asks for.
    pub(crate) fn all(answer: Answer, lines: &[String]) -> Posts {
        let posts = |line| vec![Self::of(line); answer.attempts()];
        lines.iter().map(|line| (line.clone(), posts(line))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> io::Result<Option<Post>> {
        read_post(&mut text.as_bytes())
    }

    #[test]
    fn a_post_is_read_to_its_end_and_not_further() {
        let text = "POST /records HTTP/1.1\r\nX-Kafka-Topic: t\r\nContent-Length: 2\r\n\r\n{}next";
        let post = read(text).unwrap().unwrap();
        assert_eq!((post.says("x-kafka-topic"), &*post.body), ("t", "{}"));
        assert!(read("").unwrap().is_none());
        assert!(read("GET / HTTP/1.1\r\n\r\n").is_err());
    }

    #[test]
    fn the_third_attempt_at_a_record_is_taken() {
        let mut visitors = Visitors::default();
        visitors.answers.insert("t".to_owned(), Answer::FailsTwice);
        let post = |key: &str| Post {
            head: [("x-kafka-topic", "t"), ("idempotency-key", key)]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
            body: format!("{key}\n"),
        };
        let answers = ["a", "b", "a", "a", "b"].map(|key| &visitors.answer(post(key))[..3]);
        assert_eq!(answers, ["500", "500", "500", "200", "500"]);
        assert_eq!(visitors.taken["t"], ["a"]);
    }
}
