/** Texts of many kinds, written for these tests: the rates of the token estimates were fitted on them. */
export type Script = "latin" | "code" | "data" | "cjk" | "other"

export interface Sample {
  readonly name: string
  readonly script: Script
  readonly text: string
}

export const sample = (name: string, script: Script, text: string): Sample => ({ name, script, text: text.trim() })

export const fitted: ReadonlyArray<Sample> = [
  sample(
    "English letter",
    "latin",
    `
Dear neighbours, the water in our street will be turned off on Thursday between eight and eleven in the morning, because
the old pipe under the bakery has to be replaced. Please fill a few bottles the evening before, and do not start the
washing machine until the fitters have gone. If you find air in the tap afterwards, let it run slowly for two minutes;
the noise stops by itself. Mrs. Hale on the third floor keeps a spare key for the cellar, so nobody needs to wait for the
caretaker. We know this is a nuisance, especially for families with small children, and we are sorry that the notice is
so short. Whoever has questions is welcome to call the office before noon; after that only the answering machine listens.`
  ),
  sample(
    "English technical prose",
    "latin",
    `
A circuit breaker stops calling a dependency that keeps failing, waits for a cool-down period, and then admits a single
probe request. If the probe succeeds, the breaker closes and ordinary traffic resumes; otherwise it reopens with a longer
interval. The implementation below keeps per-endpoint statistics in a sliding time window, computes the failure rate over
at least twenty observations, and exposes Prometheus counters for every state transition. Asynchronous cancellation must
release the half-open permit, and idempotency keys should be propagated through retries to avoid duplicate side effects.
Backpressure is applied upstream via bounded queues, so memory consumption remains predictable during prolonged outages.`
  ),
  sample(
    "English chat",
    "latin",
    `
hey, u still up? lol the build broke AGAIN 😂 i swear it's the flaky test from last week... can't even rn
ok so I tried rerunning it 3x, no luck. pinged Sam but he's OOO til mon 🤷‍♀️
could you maybe look @ the logs? no rush!! I'll grab coffee ☕ & be back in 10-15 min. thx a ton, you're the best 🙏🙏
btw did you see the game? 3:2 in overtime?!! insane. anyway, ttyl`
  ),
  sample(
    "Markdown",
    "latin",
    `
# Release notes

## 2.4.0

- **Added** \`--dry-run\` to the \`migrate\` command ([#412](https://example.test/pull/412)).
- **Fixed** a crash when the configuration file is empty.
- _Deprecated:_ the \`legacy\` option; it will go in 3.0.

> Upgrading from 2.2? Read the [migration guide](./docs/migration.md) first.

| Setting   | Default | Since |
| --------- | ------- | ----- |
| \`timeout\` | 30 s    | 1.0   |
| \`retries\` | 3       | 1.2   |

1. Install the package.
2. Run \`tool init\`.
3. Commit the generated file.`
  ),
  sample(
    "German",
    "latin",
    `
Sehr geehrte Damen und Herren, hiermit kündige ich meinen Mietvertrag fristgerecht zum nächstmöglichen Termin. Bitte
bestätigen Sie mir den Eingang dieses Schreibens sowie das Datum, an dem die Wohnungsübergabe stattfinden soll. Die
Nebenkostenabrechnung für das vergangene Jahr habe ich noch nicht erhalten und wäre Ihnen für eine baldige Zusendung
dankbar. Außerdem möchte ich darauf hinweisen, dass die Heizungsanlage im Schlafzimmer seit mehreren Wochen nur
unregelmäßig funktioniert; der Hausmeister wurde bereits zweimal benachrichtigt. Mit freundlichen Grüßen aus München.`
  ),
  sample(
    "French",
    "latin",
    `
Le musée rouvrira ses portes au début du mois de mars, après deux années de travaux. Les visiteurs découvriront une
galerie entièrement repensée, où les œuvres sont présentées dans l'ordre de leur création plutôt que par école. L'entrée
restera gratuite pour les élèves et les étudiants, à condition de réserver un créneau à l'avance. « Nous voulions que
chacun puisse s'arrêter devant un tableau sans être bousculé », explique la conservatrice. Un café s'installera sous la
verrière, et des conférences auront lieu chaque jeudi soir jusqu'à l'été.`
  ),
  sample(
    "Spanish",
    "latin",
    `
El tren de las siete llegó con cuarenta minutos de retraso y casi nadie se sorprendió. En el andén, una señora repartía
bocadillos entre los niños mientras su marido discutía con el revisor sobre los asientos reservados. ¿Quién podía imaginar
que aquella mañana, tan parecida a las demás, cambiaría el rumbo de la familia? Años después, cuando alguien preguntaba
por el origen del negocio, todos respondían lo mismo: «Empezó en una estación, con pan y paciencia».`
  ),
  sample(
    "Portuguese",
    "latin",
    `
A reunião de condomínio começou às oito da noite e só terminou depois da meia-noite. Discutiu-se a pintura da fachada, a
troca do elevador e, sobretudo, o barulho da obra no quinto andar. O síndico prometeu apresentar três orçamentos até o
fim do mês, mas ninguém acreditou muito. Na saída, dona Lurdes ofereceu café e bolo de fubá, e as diferenças pareceram
menores do que eram.`
  ),
  sample(
    "Polish",
    "latin",
    `
Wczoraj wieczorem spadł pierwszy śnieg i całe miasto zwolniło. Dzieci wybiegły na podwórko, zanim dorośli zdążyli znaleźć
rękawiczki, a właściciel małej księgarni przy rynku zamknął wcześniej, żeby zdążyć na ostatni autobus. Rano okazało się,
że drogi są śliskie, a tramwaje kursują z dużym opóźnieniem. Mimo to nikt się nie skarżył: po tak długiej jesieni każdy
potrzebował odrobiny światła.`
  ),
  sample(
    "Turkish",
    "latin",
    `
Sabah erkenden pazara gittik, çünkü taze sebzeler öğleye kadar tükeniyor. Annem domatesleri tek tek seçti, satıcıyla
fiyat konusunda uzun uzun pazarlık etti ve sonunda bir kilo da biber aldı. Eve dönerken yağmur başladı; şemsiyemiz
olmadığı için komşunun dükkânına sığındık. Çay içerken eski günlerden konuştuk, zaman nasıl geçti anlamadık.`
  ),
  sample(
    "Vietnamese",
    "latin",
    `
Sáng nay trời mưa nhẹ nên quán cà phê đầu ngõ đông hơn thường lệ. Mọi người ngồi sát bên nhau dưới mái hiên, vừa uống cà
phê sữa đá vừa nói chuyện về trận bóng tối qua. Ông chủ quán nhớ tên từng khách quen và biết ai thích uống đậm, ai thích
thêm đường. Khi tạnh mưa, đường phố lại ồn ào, nhưng chẳng ai vội vàng đứng dậy.`
  ),
  sample(
    "Finnish",
    "latin",
    `
Kesämökillä aika kuluu hitaammin kuin kaupungissa. Aamulla keitetään kahvit, kannetaan vettä kaivosta ja käydään uimassa
ennen aamiaista. Iltapäivällä naapuri soutaa rantaan kertomaan kalaonnestaan, ja saunan jälkeen istutaan laiturilla
katselemassa, kuinka aurinko laskee järven taakse. Kukaan ei kiirehdi, koska huomennakaan ei ole mitään pakollista.`
  ),
  sample(
    "Russian",
    "other",
    `
Поезд отправлялся рано утром, и на вокзале почти никого не было. Дежурная по станции пила чай из гранёного стакана и
разгадывала кроссворд, а за окном медленно светлело небо. Мы поставили чемоданы у стены и стали ждать. Через полчаса
пришёл старик с корзиной яблок и предложил нам попробовать; яблоки оказались кислыми, но от угощения никто не отказался.
Так началось наше путешествие, о котором потом вспоминали ещё много лет.`
  ),
  sample(
    "Greek",
    "other",
    `
Το καράβι έφτασε στο νησί αργά το απόγευμα, όταν ο ήλιος είχε ήδη αρχίσει να πέφτει πίσω από τους λόφους. Οι ψαράδες
μάζευαν τα δίχτυα τους και τα παιδιά έπαιζαν μπάλα μπροστά στην εκκλησία. Καθίσαμε σε ένα μικρό καφενείο δίπλα στη
θάλασσα και παραγγείλαμε ό,τι είχε μείνει από το μεσημέρι. Κανείς δεν βιαζόταν να φύγει.`
  ),
  sample(
    "Ukrainian",
    "other",
    `
Наприкінці літа бабуся завжди сушила яблука на горищі. Уся хата пахла медом і сонцем, а ми бігали сходами вгору й униз,
щоб потайки з'їсти кілька скибок. Увечері сусіди сходилися на подвір'я, розповідали новини й співали старих пісень. Тоді
здавалося, що так буде завжди.`
  ),
  sample(
    "Arabic",
    "other",
    `
وصلنا إلى المدينة القديمة قبل غروب الشمس بقليل، وكانت الأسواق لا تزال مزدحمة بالناس. جلس بائع الكتب أمام دكانه يقرأ
الجريدة، بينما كان ابنه يرتب المجلدات على الرفوف الخشبية. سألناه عن كتاب نادر في تاريخ الطب، فابتسم وقال إن لديه نسخة
واحدة ورثها عن جده. شربنا الشاي بالنعناع وتحدثنا طويلا عن السفر واللغات والطقس.`
  ),
  sample(
    "Hebrew",
    "other",
    `
בשעת בוקר מוקדמת יצאנו לדרך צפונה, לפני שהכבישים נסתמו. בדרך עצרנו ליד מעיין קטן שבו שתו המטיילים מים קרים ונחו בצל
העצים. בעל הקיוסק סיפר לנו שהשנה ירדו גשמים רבים ולכן הנחל זורם גם בקיץ. המשכנו ברגל עד לפסגה, ומשם ראינו את הים.`
  ),
  sample(
    "Hindi",
    "other",
    `
गाँव का पुराना पुस्तकालय अब हर शाम खुला रहता है। बच्चे स्कूल के बाद वहाँ आते हैं, कहानियाँ पढ़ते हैं और एक-दूसरे को पहेलियाँ
सुनाते हैं। पुस्तकालय की देखभाल करने वाले मास्टर जी कहते हैं कि किताबें तभी जीवित रहती हैं जब कोई उन्हें खोलता है। पिछले महीने शहर से
नई किताबें आईं, और पूरे गाँव ने मिलकर अलमारियाँ साफ कीं।`
  ),
  sample(
    "Bengali",
    "other",
    `
বৃষ্টির দিনে নদীর ঘাটে নৌকা কম থাকে, তাই আমরা অনেকক্ষণ অপেক্ষা করলাম। মাঝি এসে বললেন, জল একটু কমলে তিনি আমাদের ওপারে
পৌঁছে দেবেন। চায়ের দোকানে বসে সবাই পুরোনো দিনের গল্প করছিল, আর ছোটরা কাগজের নৌকা বানিয়ে জলে ভাসাচ্ছিল।`
  ),
  sample(
    "Thai",
    "other",
    `
เช้าวันเสาร์ตลาดริมน้ำคึกคักเป็นพิเศษ แม่ค้าพายเรือขายผลไม้ ขนมหวาน และก๋วยเตี๋ยวร้อน ๆ นักท่องเที่ยวถ่ายรูปกันอย่างสนุกสนาน
ส่วนคนในท้องถิ่นก็นั่งคุยกันใต้ร่มไม้ใหญ่ เมื่อแดดแรงขึ้น เรือแต่ละลำก็ค่อย ๆ พายกลับบ้าน เหลือเพียงเสียงน้ำกระทบฝั่งเบา ๆ`
  ),
  sample(
    "Georgian market",
    "other",
    `
დილით ადრე ბაზარში წავედით, რადგან ახალი ბოსტნეული შუადღემდე იყიდება. გამყიდველმა ვაშლი და ყველი მოგვასინჯა და თავისი სოფლის
ამბავი გვიამბო. უკანა გზაზე წვიმა დაიწყო, ამიტომ პატარა კაფეში შევედით და ცხელი ჩაი დავლიეთ.`
  ),
  sample(
    "Chinese, simplified",
    "cjk",
    `
昨天下午，我们在城南的旧书店里待了整整三个小时。店主是一位退休的中学老师，他把书按照作者出生的年代排列，所以找起来并不容易，但常常会有意外的收获。
我买了一本关于桥梁的小册子，里面夹着一张三十年前的车票。回家的路上下起了雨，我们躲进一家面馆，一边吃面一边猜测那张车票的主人后来去了哪里。`
  ),
  sample(
    "Chinese, traditional",
    "cjk",
    `
週末的早晨，巷口的豆漿店總是排著長長的隊伍。老闆娘記得每一位熟客的習慣，有人要少糖，有人要加蛋，從來不會弄錯。等待的時候，鄰居們互相問候，
聊聊孩子的功課和附近新開的市場。雖然店面又小又舊，牆上的油漆也已經剝落，可是大家都說，只有在這裡才能喝到小時候的味道。`
  ),
  sample(
    "Japanese",
    "cjk",
    `
駅前の商店街に、小さな時計屋があります。店主の田中さんは、もう五十年以上も時計を直し続けているそうです。先週、祖父からもらった古い腕時計が止まってしまったので、
思い切って持って行きました。田中さんは虫眼鏡で中をのぞき込み、「まだまだ動きますよ」と笑ってくれました。修理には三日かかるとのことでしたが、待つ時間も楽しみになりました。`
  ),
  sample(
    "Korean",
    "cjk",
    `
지난 주말에 친구들과 함께 바닷가 마을로 여행을 다녀왔습니다. 아침 일찍 기차를 타고 출발했는데, 창밖으로 보이는 풍경이 정말 아름다웠습니다. 시장에서 싱싱한 생선을 사서
숙소에서 직접 요리해 먹었고, 저녁에는 모래사장에 앉아 별을 보며 오래 이야기를 나누었습니다. 돌아오는 길에는 모두 피곤해서 금방 잠이 들었지만, 다음에 또 오자고 약속했습니다.`
  ),
  sample(
    "Chinese with code words",
    "cjk",
    `
如果请求返回 429，客户端应该读取 Retry-After 头，并在等待之后重试；如果返回 503，则由 CircuitBreaker 决定是否切换到下一个 provider。注意 stream 模式下，
一旦第一个 token 已经发送给用户，就不能再 fallback。配置文件里的 maxRetries 默认是 3，timeout 默认是 30 秒，可以通过 HOLDFAST_CONFIG 环境变量覆盖。`
  ),
  sample(
    "TypeScript",
    "code",
    `
export interface Window {
  readonly startedAt: number
  readonly calls: number
  readonly failures: number
}

/** Adds an outcome to the window that is current at \`now\`; older ones are dropped. */
export const record = (windows: ReadonlyArray<Window>, now: number, isFailure: boolean): ReadonlyArray<Window> => {
  const start = Math.floor(now / 1000) * 1000
  const recent = windows.filter((window) => window.startedAt > start - 60_000)
  const last = recent.at(-1)
  if (last?.startedAt === start) {
    return [...recent.slice(0, -1), { ...last, calls: last.calls + 1, failures: last.failures + (isFailure ? 1 : 0) }]
  }
  return [...recent, { startedAt: start, calls: 1, failures: isFailure ? 1 : 0 }]
}`
  ),
  sample(
    "Python",
    "code",
    `
def chunks(path: str, size: int = 1 << 16) -> Iterator[bytes]:
    """Yield the file piece by piece, so that large ones never sit in memory."""
    with open(path, "rb") as handle:
        while True:
            block = handle.read(size)
            if not block:
                return
            yield block


class Index:
    def __init__(self, words: Iterable[str]) -> None:
        self._rows: dict[str, list[int]] = defaultdict(list)
        for position, word in enumerate(words):
            self._rows[word.lower()].append(position)

    def find(self, word: str, *, limit: int | None = None) -> list[int]:
        return self._rows.get(word.lower(), [])[:limit]`
  ),
  sample(
    "SQL",
    "code",
    `
SELECT s.provider, s.model, date_trunc('hour', a.started_at) AS hour,
       count(*) AS attempts,
       count(*) FILTER (WHERE a.outcome = 'failure') AS failures,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY a.latency_ms) AS p95
  FROM attempts a
  JOIN services s ON s.id = a.service_id
 WHERE a.started_at >= now() - interval '24 hours' AND a.cancelled IS NOT TRUE
 GROUP BY 1, 2, 3
HAVING count(*) > 20
 ORDER BY hour DESC, failures DESC NULLS LAST;`
  ),
  sample(
    "HTML",
    "code",
    `
<section class="card card--wide" id="status" aria-live="polite">
  <h2 class="card__title">Providers</h2>
  <ul class="list">
    <li class="list__item is-healthy"><a href="/providers/alpha">Alpha</a> <span data-ms="182">182 ms</span></li>
    <li class="list__item is-degraded"><a href="/providers/beta">Beta</a> <span data-ms="1940">1.9 s</span></li>
  </ul>
  <button type="button" onclick="refresh()" disabled>Refresh</button>
</section>`
  ),
  sample(
    "JSON",
    "data",
    `
{
  "order": { "id": "A-10293", "createdAt": "2026-03-14T09:26:53Z", "currency": "EUR", "total": 148.9 },
  "customer": { "name": "Ines Moreau", "email": "ines@example.test", "address": { "street": "Rue des Lilas 12", "zip": "69003", "city": "Lyon" } },
  "items": [
    { "sku": "LAMP-07", "quantity": 2, "price": 39.95, "tags": ["light", "desk"], "inStock": true },
    { "sku": "CABLE-3M", "quantity": 1, "price": 12.5, "tags": [], "inStock": false },
    { "sku": "BULB-E27", "quantity": 4, "price": 14.125, "tags": ["light"], "inStock": true }
  ],
  "notes": null
}`
  ),
  sample(
    "JSON, compact",
    "data",
    JSON.stringify({
      type: "object",
      properties: {
        city: { type: "string", description: "The city to look up, with its country" },
        unit: { type: "string", enum: ["celsius", "fahrenheit"] },
        days: { type: "integer", minimum: 1, maximum: 14, description: "How many days ahead" },
        include: { type: "array", items: { type: "string", enum: ["wind", "rain", "uv", "pollen"] } }
      },
      required: ["city", "unit"],
      additionalProperties: false
    })
  ),
  sample(
    "CSV of numbers",
    "data",
    `
date,provider,requests,errors,p50_ms,p95_ms,cost_usd
2026-03-01,alpha,18234,112,312.4,1820.9,41.2207
2026-03-02,alpha,19011,98,305.1,1764.0,43.0012
2026-03-03,alpha,20877,431,341.8,2950.7,47.9916
2026-03-01,beta,7421,12,188.0,920.3,9.8810
2026-03-02,beta,7603,9,190.2,911.6,10.1203
2026-03-03,beta,8120,15,201.5,990.1,10.8845`
  ),
  sample(
    "Log lines",
    "data",
    `
2026-03-14T09:26:53.589Z INFO  gateway[2201] req=7f3a9c21-5b7e-4c0a-9d53-2f6f8a1e4b90 route=chat lane=openai/gpt-4.1 status=200 ms=1240
2026-03-14T09:26:54.102Z WARN  gateway[2201] req=0c9e51d8-1b42-4f7d-8a07-93d2c6b5e1aa route=chat lane=gemini/gemini-2.5-pro status=503 retry=1 wait=1.8s
2026-03-14T09:26:55.917Z ERROR gateway[2201] req=0c9e51d8-1b42-4f7d-8a07-93d2c6b5e1aa breaker=open failures=5 until=2026-03-14T09:27:55Z`
  ),
  sample(
    "Base64",
    "data",
    `
iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAYAAACqaXHeAAAACXBIWXMAAA7EAAAOxAGVKw4bAAABpElEQVR4nO2bO07DQBCG/7UdKSKiQaLhBFQcgIaj0HADzkBDS8ENOAANFQUdLQ0S
4pEQh9jZpYhsr3d3vLbjB0iZT7Ki7M7O/vPYHTsJwDAMwzAMwzAMwzAMw/wfhBDiCMANgNMBdGkA7wCutda3lKEqMMYcAngGMAcwGUBcAN8AHgFcaq0/fUYuBWYAXgDs9SjsYg3g
SCm1cHU6CVAUxQWAqx5EtWGttT53dfxRYLlcHgN4AjDtXMrfvAM4UUq92R0VBQDcofvFA8A+gHu7o0KA1voQwFnHQrbhTCl1UDY4FLjoWMi2TAFclg1lBdI0neJ3px+TmVLKmdLl`
  ),
  sample(
    "Hashes",
    "data",
    `
sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752
commit 4e1243bd22c66e76c2ba9eddc1f91394e57f9f83
session 3fa85f64-5717-4562-b3fc-2c963f66afa6`
  )
]
