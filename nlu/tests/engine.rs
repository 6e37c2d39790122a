//! What holders of an engine rely on: full means refused at once, the abandoned are skipped, a broken model
//! answers and lives on.

use std::{
    sync::{
        Arc, Mutex,
        mpsc::{self, Receiver, Sender},
    },
    time::Duration,
};

use nlu::{
    Engine, Head, Mood, Text,
    encoder::{Encoded, Encoder, Error, Fake, Labels},
    engine::{self, Options},
    head::Sample,
    tokens::Tokens,
};

/// Long enough for any machine; reached only when a claim is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// What the next run shall do.
enum Order {
    Answer,
    Fail,
    Panic,
    /// One answer too few.
    Lose,
}

/// Runs only when told to, and says what ran.
struct Led {
    orders: Receiver<Order>,
    ran: Arc<Mutex<Vec<usize>>>,
    inner: Fake,
}

impl Encoder for Led {
    fn run(&mut self, batch: &[&[u32]]) -> Result<Vec<Encoded>, Error> {
        self.ran.lock().expect("no test panics with the lock").push(batch.len());
        let mut found = self.inner.run(batch)?;
        match self.orders.recv().unwrap_or(Order::Answer) {
            Order::Answer => Ok(found),
            Order::Fail => Err(Error::Model("it was told to".into())),
            Order::Panic => panic!("it was told to"),
            Order::Lose => {
                found.pop();
                Ok(found)
            }
        }
    }

    fn dims(&self) -> usize {
        self.inner.dims()
    }

    fn device(&self) -> &'static str {
        self.inner.device()
    }
}

struct Stage {
    engine: Engine,
    orders: Sender<Order>,
    ran: Arc<Mutex<Vec<usize>>>,
}

impl Stage {
    fn new(queue: usize) -> Self {
        let (orders, receiver) = mpsc::channel();
        let ran = Arc::new(Mutex::default());
        let encoder = Led { orders: receiver, ran: Arc::clone(&ran), inner: Fake::new(16) };
        let options = Options { queue, batch_tokens: 64, ..Options::default() };
        let engine = Engine::with(vec![Box::new(encoder)], Tokens::characters(32), &options)
            .expect("there is an encoder");
        Self { engine, orders, ran }
    }

    /// Sizes of the batches that were begun.
    fn ran(&self) -> Vec<usize> {
        self.ran.lock().expect("no test panics with the lock").clone()
    }

    /// Begins to embed a text.
    fn ask(&self, text: &str) -> tokio::task::JoinHandle<Result<Vec<f32>, engine::Error>> {
        let (engine, text) = (self.engine.clone(), Text::new(text));
        tokio::spawn(async move { engine.embed(&text).await })
    }

    /// Waits until `waiting` utterances wait and `runs` runs have begun.
    async fn until(&self, waiting: usize, runs: usize) {
        let reached = async {
            while self.engine.waiting() != waiting || self.ran().len() != runs {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.unwrap_or_else(|_| {
            let (found, ran) = (self.engine.waiting(), self.ran());
            panic!("{waiting} waiting and {runs} runs were expected: {found} wait, ran {ran:?}")
        });
    }
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_serves_whom_it_took() {
    let stage = Stage::new(2);
    let first = stage.ask("话费");
    stage.until(0, 1).await;
    let waiting = [stage.ask("流量"), stage.ask("套餐")];
    stage.until(2, 1).await;
    let refused = stage.engine.embed(&Text::new("宽带")).await;
    assert!(matches!(refused, Err(engine::Error::Overloaded)), "{refused:?}");
    stage.orders.send(Order::Answer).unwrap();
    stage.orders.send(Order::Answer).unwrap();
    first.await.unwrap().unwrap();
    for it in waiting {
        it.await.unwrap().unwrap();
    }
    assert_eq!(stage.ran(), [1, 2], "what waited ran together");
    stage.orders.send(Order::Answer).unwrap();
    stage.engine.embed(&Text::new("宽带")).await.expect("there is room again");
}

#[tokio::test]
async fn the_abandoned_are_skipped_and_give_back_their_room() {
    let stage = Stage::new(3);
    let first = stage.ask("话费");
    stage.until(0, 1).await;
    let (gone, stays) = (stage.ask("流量"), stage.ask("套餐"));
    stage.until(2, 1).await;
    gone.abort();
    assert!(gone.await.unwrap_err().is_cancelled());
    for _ in 0..2 {
        stage.orders.send(Order::Answer).unwrap();
    }
    first.await.unwrap().unwrap();
    stays.await.unwrap().unwrap();
    assert_eq!(stage.ran(), [1, 1], "nobody listened for the third");
    let held = stage.ask("话费");
    stage.until(0, 3).await;
    let all = [stage.ask("流量"), stage.ask("套餐"), stage.ask("宽带")];
    stage.until(3, 3).await;
    stage.orders.send(Order::Answer).unwrap();
    stage.orders.send(Order::Answer).unwrap();
    held.await.unwrap().unwrap();
    for it in all {
        it.await.unwrap().expect("the queue has its three rooms");
    }
}

#[tokio::test]
async fn a_broken_model_answers_and_lives_on() {
    let stage = Stage::new(8);
    for (order, expected) in [
        (Order::Fail, "it was told to"),
        (Order::Panic, "the model panicked"),
        (Order::Lose, "0 answers to 1 utterances"),
    ] {
        stage.orders.send(order).unwrap();
        let found = stage.engine.embed(&Text::new("话费")).await;
        match found {
            Err(engine::Error::Model(why)) => assert!(why.contains(expected), "{why}"),
            other => panic!("{expected}: {other:?}"),
        }
        stage.orders.send(Order::Answer).unwrap();
        let found = stage.engine.embed(&Text::new("话费")).await;
        assert_eq!(found.expect("the worker lives on").len(), 16);
    }
}

#[tokio::test]
async fn bulk_work_waits_for_room_keeps_its_order_and_leaves_room_for_calls() {
    let texts: Vec<Text> = (0..200).map(|it| Text::new(&"查话费".repeat(1 + it % 7))).collect();
    let stage = Stage::new(8);
    let first = stage.ask("话费");
    stage.until(0, 1).await;
    let bulk = {
        let (engine, texts) = (stage.engine.clone(), texts.clone());
        tokio::spawn(async move { engine.embed_all(&texts).await })
    };
    stage.until(4, 1).await;
    let live = stage.ask("流量");
    stage.until(5, 1).await;
    drop(stage.orders);
    first.await.unwrap().unwrap();
    live.await.unwrap().expect("a call is served while bulk work waits");
    let found = bulk.await.unwrap().unwrap();
    let mut alone = Fake::new(16);
    for (text, found) in texts.iter().zip(&found) {
        let cut = Tokens::characters(32).encode(text.normal()).unwrap();
        assert_eq!(*found, alone.run(&[&cut.ids]).unwrap()[0].embedding, "{}", text.normal());
    }
}

#[tokio::test]
async fn a_text_that_cannot_fit_is_refused_before_it_waits() {
    let stage = Stage::new(1);
    let found = stage.engine.embed(&Text::new(&"查".repeat(33))).await;
    assert!(matches!(found, Err(engine::Error::TooLong(33))), "{found:?}");
    let found = stage.engine.embed_all(&[Text::new(&"查".repeat(40))]).await;
    assert!(matches!(found, Err(engine::Error::TooLong(40))), "{found:?}");
    assert!(stage.ran().is_empty());
}

#[tokio::test]
async fn reading_gives_intent_act_and_values_of_one_utterance() {
    let options = Options::default();
    let encoders: Vec<Box<dyn Encoder>> = vec![Box::new(Fake::new(64)), Box::new(Fake::new(64))];
    let engine = Engine::with(encoders, Tokens::characters(64), &options).unwrap();
    let examples = [
        ("query_balance", "我还有多少话费"),
        ("query_balance", "查一下话费余额"),
        ("query_balance", "话费还剩几块钱"),
        ("cancel_addon", "把视频会员退了"),
        ("cancel_addon", "退订音乐会员"),
        ("cancel_addon", "这个会员我不要了给退掉"),
        ("out_of_scope/off_domain", "明天会下雨吗"),
        ("out_of_scope/off_domain", "讲个笑话听听"),
    ];
    let texts: Vec<Text> = examples.iter().map(|(_, said)| Text::new(said)).collect();
    let embeddings = engine.embed_all(&texts).await.unwrap();
    let samples: Vec<Sample<'_>> = examples
        .iter()
        .zip(texts.iter().zip(&embeddings))
        .map(|((label, _), (text, embedding))| Sample { label, text, embedding })
        .collect();
    let head = Head::fit(&samples, &[]).unwrap();
    let today = "2026-11-24".parse().unwrap();
    let reading = engine.read(&head, "查一下我还剩多少话费", today).await.unwrap();
    assert_eq!(reading.ranking[0].intent, "query_balance", "{reading:?}");
    let reading = engine.read(&head, "13812345678", today).await.unwrap();
    assert_eq!(reading.act.map(|it| it.0), Some(nlu::Act::Digits), "{reading:?}");
    assert!(!reading.values.is_empty(), "{reading:?}");
}

/// A network with heads: every figure is part of an amount, and everybody is angry.
struct Heads(Fake);

impl Encoder for Heads {
    fn run(&mut self, batch: &[&[u32]]) -> Result<Vec<Encoded>, Error> {
        let mut found = self.0.run(batch)?;
        let is_figure = |id: &u32| "一二三四五六七八九十百".chars().any(|it| u32::from(it) == *id);
        for (encoded, ids) in found.iter_mut().zip(batch) {
            encoded.moods = vec![0.0, 0.0, 0.0, 9.0];
            encoded.tags = ids
                .iter()
                .flat_map(|it| if is_figure(it) { [0.0, 0.0, 9.0] } else { [9.0, 0.0, 0.0] })
                .collect();
        }
        Ok(found)
    }

    fn dims(&self) -> usize {
        self.0.dims()
    }

    fn labels(&self) -> Labels {
        let tags = ["O", "B-amount", "I-amount"].map(str::to_owned).to_vec();
        Labels { tags, moods: Mood::ALL.to_vec() }
    }

    fn device(&self) -> &'static str {
        "cpu"
    }
}

#[tokio::test]
async fn what_the_heads_say_comes_with_the_reading() {
    let encoders: Vec<Box<dyn Encoder>> = vec![Box::new(Heads(Fake::new(64)))];
    let engine = Engine::with(encoders, Tokens::characters(64), &Options::default()).unwrap();
    let said = Text::new("充五十");
    let embedding = engine.embed(&said).await.unwrap();
    let sample = Sample { label: "top_up", text: &said, embedding: &embedding };
    let head = Head::fit(&[sample], &[]).unwrap();
    let today = "2026-11-24".parse().unwrap();
    for reading in [
        engine.read(&head, "充 五十，快点", today).await.unwrap(),
        engine.read_patiently(&head, "充 五十，快点", today).await.unwrap(),
    ] {
        let tagged: Vec<_> = reading.tagged.iter().map(|it| (&*it.slot, it.span.clone())).collect();
        assert_eq!(tagged, [("amount", 1..3)]);
        assert_eq!(reading.mood.map(|it| it.0), Some(Mood::Angry));
    }
}

#[tokio::test]
async fn an_engine_that_is_dropped_ends_its_threads() {
    struct Watched {
        inner: Fake,
        _alive: Arc<()>,
    }
    impl Encoder for Watched {
        fn run(&mut self, batch: &[&[u32]]) -> Result<Vec<Encoded>, Error> {
            self.inner.run(batch)
        }
        fn dims(&self) -> usize {
            self.inner.dims()
        }
        fn device(&self) -> &'static str {
            self.inner.device()
        }
    }
    let alive = Arc::new(());
    let watched = |_| Box::new(Watched { inner: Fake::new(4), _alive: Arc::clone(&alive) }) as _;
    let encoders: Vec<Box<dyn Encoder>> = (0..3).map(watched).collect();
    let engine = Engine::with(encoders, Tokens::characters(8), &Options::default()).unwrap();
    engine.embed(&Text::new("话费")).await.unwrap();
    assert_eq!(Arc::strong_count(&alive), 4);
    drop(engine.clone());
    engine.embed(&Text::new("话费")).await.expect("one handle is left");
    drop(engine);
    assert_eq!(Arc::strong_count(&alive), 1, "every worker gave its encoder back");
    let none = Engine::with(Vec::new(), Tokens::characters(8), &Options::default());
    assert!(none.is_err());
}
