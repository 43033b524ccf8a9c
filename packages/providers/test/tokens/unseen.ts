/** Texts that no rate was fitted on: the margins of the token estimates are measured on them. */
import { sample, type Sample } from "./fitted.ts"

export const unseen: ReadonlyArray<Sample> = [
  sample(
    "English recipe",
    "latin",
    `
Peel the onions and cook them slowly in butter until they are soft and golden; this takes longer than any book admits.
Stir in a spoonful of flour, wait for the smell of toast, then pour in the stock little by little. Season with thyme,
black pepper and a bay leaf. Simmer for half an hour with the lid ajar. Meanwhile rub slices of old bread with garlic,
cover them with grated cheese and put them under the grill. Serve the soup very hot, with the bread floating on top.`
  ),
  sample(
    "English legal",
    "latin",
    `
Neither party shall be liable for any failure or delay in performing its obligations under this Agreement to the extent
that such failure or delay results from circumstances beyond its reasonable control, including natural disasters, acts of
government, interruptions of telecommunications, or the insolvency of a subcontractor, provided that the affected party
notifies the other in writing without undue delay and uses commercially reasonable efforts to mitigate the consequences.`
  ),
  sample(
    "Support ticket",
    "latin",
    `
Subject: RE: RE: Invoice INV-2026-00417 charged twice!!

Hi team, following up on my email from 12/02. I still see two charges of $49.99 (ending 4821) on my statement. Order #88213,
plan "Pro (annual)". I've already cleared cookies, tried Chrome 131 and Safari, same result. Please refund ASAP - this is
the 3rd time I'm asking. Sent from my phone. -- J. Okafor, Ops Lead`
  ),
  sample(
    "German news",
    "latin",
    `
Die Stadtverwaltung hat angekündigt, den Radweg entlang des Flusses bis zum Herbst durchgehend zu beleuchten. Anwohner
hatten seit Jahren darüber geklagt, dass die Strecke nach Einbruch der Dunkelheit kaum benutzbar sei. Naturschützer warnen
allerdings vor den Folgen für Fledermäuse und Insekten; deshalb sollen Bewegungsmelder das Licht nur bei Bedarf einschalten.`
  ),
  sample(
    "Italian",
    "latin",
    `
La bottega del liutaio si trova in fondo a un vicolo stretto, dove il sole arriva soltanto a mezzogiorno. Alle pareti sono
appesi violini senza corde, e sul banco c'è sempre una tazza di caffè dimenticata. Ha imparato il mestiere dal nonno, che
diceva: per fare un buono strumento bisogna prima saper ascoltare il legno. I ragazzi del quartiere si fermano a guardare.`
  ),
  sample(
    "Dutch",
    "latin",
    `
Op zaterdagochtend fietsen we altijd naar de markt aan de andere kant van het kanaal. De kaasboer kent ons inmiddels en
laat ons proeven voordat we iets kopen. Daarna drinken we koffie op het plein, zelfs als het regent, want onder de luifel
is het droog genoeg. Tegen de middag gaan we naar huis met tassen vol groente, bloemen en warm brood.`
  ),
  sample(
    "Czech",
    "latin",
    `
Stará dřevěná rozhledna stojí na kopci už více než sto let. Když je jasno, můžeme odtud vidět až k horám na hranici, ale
většinou se údolí topí v mlze. Správce prodává u vchodu čaj a pohlednice a vypráví, jak se kdysi během bouřky schovával
pod schodištěm. Děti počítají schody a pokaždé dojdou k jinému číslu.`
  ),
  sample(
    "Indonesian",
    "latin",
    `
Setiap sore anak-anak berkumpul di lapangan dekat masjid untuk bermain layang-layang. Angin dari laut bertiup cukup
kencang, sehingga benang harus dipegang erat-erat. Pak Darmo, yang dulu juga juara lomba, duduk di bangku kayu sambil
memberi nasihat. Kalau ada layangan putus, semua berlari mengejarnya sampai ke pinggir sawah.`
  ),
  sample(
    "Hungarian",
    "latin",
    `
A vonat késett, ezért a váróteremben beszélgetni kezdtünk egy idős hölggyel. Elmesélte, hogy fiatalkorában postásként
dolgozott, és minden faluban ismerte a kutyákat. A táskájából almás süteményt vett elő, és megkínált bennünket. Mire
megérkezett a szerelvény, úgy éreztük, mintha régóta ismernénk egymást.`
  ),
  sample(
    "Russian note",
    "other",
    `
Уважаемые жильцы! В связи с ремонтом лифта просим вас с понедельника по среду пользоваться лестницей второго подъезда.
Работы будут проводиться с девяти утра до шести вечера. Приносим извинения за временные неудобства и благодарим за
понимание. По всем вопросам обращайтесь к управляющему по телефону или оставьте записку в почтовом ящике.`
  ),
  sample(
    "Bulgarian",
    "other",
    `
В планинското село останаха само няколко семейства, но през лятото къщите отново се пълнят с гласове. Внуците идват от
града, помагат в градината и се учат да месят хляб. Вечер всички се събират на площада, където свири стар акордеон.`
  ),
  sample(
    "Greek news",
    "other",
    `
Ο δήμος ανακοίνωσε ότι το παλιό σχολείο θα μετατραπεί σε βιβλιοθήκη με αναγνωστήριο και μικρή αίθουσα συναυλιών. Οι
εργασίες θα αρχίσουν την άνοιξη και αναμένεται να ολοκληρωθούν μέσα σε δύο χρόνια, αν εξασφαλιστεί η χρηματοδότηση.`
  ),
  sample(
    "Arabic news",
    "other",
    `
أعلنت الجامعة عن افتتاح مختبر جديد لدراسة الطاقة الشمسية، وسيتمكن الطلاب من استخدام الأجهزة الحديثة ابتداء من الفصل القادم.
وقال عميد الكلية إن المشروع ثمرة تعاون طويل مع عدد من الشركات المحلية، وإن الباب مفتوح أمام الباحثين من جميع البلدان.`
  ),
  sample(
    "Persian",
    "other",
    `
در باغ پدربزرگ درخت گردوی بزرگی بود که تابستان‌ها زیر سایه‌اش می‌نشستیم و چای می‌خوردیم. او هر روز صبح زود بیدار می‌شد، گل‌ها را
آب می‌داد و برای پرنده‌ها دانه می‌ریخت. حالا باغ فروخته شده است، اما هنوز بوی خاک خیس مرا به آن روزها می‌برد.`
  ),
  sample(
    "Hebrew notice",
    "other",
    `
הספרייה העירונית תהיה סגורה ביום ראשון בשל עבודות תחזוקה. ניתן להחזיר ספרים בתיבה שליד הכניסה הראשית בכל שעות היממה.
חוג הקריאה לילדים יתקיים כרגיל ביום שלישי אחר הצהריים, ואין צורך בהרשמה מראש.`
  ),
  sample(
    "Hindi news",
    "other",
    `
रेलवे ने घोषणा की है कि अगले महीने से दो नई गाड़ियाँ चलाई जाएँगी, जिससे यात्रियों को काफी सुविधा होगी। टिकट की बिक्री सोमवार से शुरू होगी
और किराया पहले जैसा ही रहेगा। स्टेशन पर पीने के पानी और बैठने की व्यवस्था भी सुधारी जा रही है।`
  ),
  sample(
    "Tamil",
    "other",
    `
காலையில் கடற்கரையில் நடப்பது தாத்தாவின் பழக்கம். அலைகள் கரையைத் தொடும் சத்தம் அவருக்கு மிகவும் பிடிக்கும். வழியில் மீனவர்களுடன் பேசிவிட்டு,
ஒரு சிறிய கடையில் தேநீர் குடித்துவிட்டு வீட்டிற்குத் திரும்புவார். மழை பெய்தாலும் அவர் நடப்பதை நிறுத்தியதில்லை.`
  ),
  sample(
    "Thai notice",
    "other",
    `
ประกาศแจ้งผู้โดยสาร เนื่องจากมีการซ่อมบำรุงราง รถไฟฟ้าจะให้บริการถึงเวลาสี่ทุ่มเท่านั้นในคืนวันศุกร์และวันเสาร์ ขออภัยในความไม่สะดวก
กรุณาเผื่อเวลาในการเดินทาง และสอบถามข้อมูลเพิ่มเติมได้ที่เจ้าหน้าที่ประจำสถานี`
  ),
  sample(
    "Georgian",
    "other",
    `
შემოდგომაზე სოფელში ყურძენს კრეფენ და მთელი ოჯახი ერთად იკრიბება. ბავშვები კალათებს ატარებენ, უფროსები კი სიმღერით მუშაობენ.
საღამოს გრძელ მაგიდასთან სხდებიან და ბაბუა ძველ ამბებს ჰყვება.`
  ),
  sample(
    "Chinese manual",
    "cjk",
    `
首次使用前，请先将滤芯用清水冲洗三十秒，然后装入水箱底部的卡槽，听到“咔”的一声即表示安装到位。加水时不要超过最高水位线，否则可能会漏水。如果长时间不使用，
请倒掉剩余的水并拔下电源插头。指示灯变红时，说明滤芯需要更换，建议每三个月更换一次。`
  ),
  sample(
    "Japanese mail",
    "cjk",
    `
お世話になっております。先日はお忙しい中、打ち合わせのお時間をいただきありがとうございました。ご依頼のありました見積書を添付いたしますので、ご確認のほどよろしくお願いいたします。
なお、納期につきましては来月末を予定しておりますが、変更がある場合は早めにご連絡いただけますと幸いです。`
  ),
  sample(
    "Korean review",
    "cjk",
    `
배송은 생각보다 빨랐고 포장도 꼼꼼했습니다. 색상은 사진보다 조금 어둡지만 실제로 보니 더 마음에 듭니다. 다만 설명서가 영어로만 되어 있어서 조립하는 데 시간이 좀 걸렸어요.
의자는 튼튼하고 앉았을 때 편안합니다. 가격을 생각하면 만족스러운 제품이라 주변에도 추천하고 싶습니다.`
  ),
  sample(
    "Chinese with a log",
    "cjk",
    `
部署失败了，日志如下：Error: connect ECONNREFUSED 127.0.0.1:5432，看起来是 postgres 容器没有启动。我试过 docker compose restart db，
但是端口仍然被占用。请帮我检查 docker-compose.yml 里的 healthcheck 配置是否正确，谢谢！`
  ),
  sample(
    "Go",
    "code",
    `
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	var body request
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	result, err := s.store.Lookup(ctx, body.Key)
	switch {
	case errors.Is(err, ErrNotFound):
		w.WriteHeader(http.StatusNotFound)
	case err != nil:
		s.log.Error("lookup failed", "key", body.Key, "err", err)
		w.WriteHeader(http.StatusInternalServerError)
	default:
		_ = json.NewEncoder(w).Encode(result)
	}
}`
  ),
  sample(
    "Shell and YAML",
    "code",
    `
set -euo pipefail
for f in $(git diff --name-only origin/main -- '*.sql'); do
  psql "$DATABASE_URL" -v ON_ERROR_STOP=1 -f "$f" || { echo "failed: $f" >&2; exit 1; }
done
---
services:
  db:
    image: postgres:17-alpine
    environment: { POSTGRES_PASSWORD: "\${DB_PASSWORD:?}" }
    ports: ["5432:5432"]
    healthcheck: { test: ["CMD", "pg_isready", "-U", "postgres"], interval: 5s, retries: 10 }`
  ),
  sample(
    "CSS",
    "code",
    `
.card--wide { display: grid; grid-template-columns: minmax(0, 2fr) 1fr; gap: 1.25rem; padding: 24px 32px; }
.card__title::after { content: "\\2192"; margin-inline-start: .4em; color: #7a5cff; transition: transform 180ms ease-out; }
@media (prefers-reduced-motion: reduce) { .card__title::after { transition: none; } }
.list__item:not(:last-child) { border-bottom: 1px solid rgb(0 0 0 / 8%); }`
  ),
  sample(
    "API response",
    "data",
    `
{"id":"chatcmpl-9xYbQw3TzK1","object":"chat.completion","created":1772531213,"model":"gpt-4.1-2025-04-14","choices":[{"index":0,"message":{"role":"assistant","content":"It is 21 degrees and sunny."},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":57,"completion_tokens":9,"total_tokens":66,"prompt_tokens_details":{"cached_tokens":0}},"system_fingerprint":"fp_51e1070cf2"}`
  ),
  sample(
    "Table of prices",
    "data",
    `
SKU        Description                 Qty   Unit    Total
A-1002     Hex bolt M8x40 (zinc)       250   0.14    35.00
A-1177     Washer 8.4 mm               500   0.03    15.00
C-0031     Thread lock, 50 ml           12   6.80    81.60
K-9004     Torque wrench 20-110 Nm       2  74.50   149.00
                                            Sum     280.60`
  ),
  sample(
    "XML feed",
    "data",
    `
<entry><id>urn:uuid:60a76c80-d399-11d9-b91c-0003939e0af6</id><title>Timetable changes</title><updated>2026-03-13T18:30:02Z</updated><link rel="alternate" href="https://example.test/news/2026/03/13"/><summary type="text">Line 4 runs every 12 minutes until April.</summary></entry>`
  ),
  sample(
    "Stack trace",
    "data",
    `
TypeError: Cannot read properties of undefined (reading 'length')
    at parseRow (/srv/app/dist/csv/parse.js:118:27)
    at Array.map (<anonymous>)
    at Importer.run (/srv/app/dist/importer.js:42:19)
    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)
    at async Worker.<anonymous> (/srv/app/dist/worker.js:77:5) { code: 'E_IMPORT', row: 20481 }`
  ),
  sample(
    "Token and key",
    "data",
    `
Authorization: Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkV4YW1wbGUiLCJpYXQiOjE1MTYyMzkwMjJ9.dBjftJeZ4CVPmB92K27uhbUJU1p1r_wW1gFWFOEjXk
etag: "33a64df551425fcc55e4d42a148795d9f25f89d4"
x-trace: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`
  )
]
