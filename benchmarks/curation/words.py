"""The word lists and templates of the synthetic rows; all of them written for this benchmark."""


def _read(text: str) -> tuple[str, ...]:
    return tuple(" ".join(text.split()).split(" | "))


VARIETIES = ("es-MX", "es-AR", "es-CO", "es-ES", "es-PE")

SUBJECTS = _read("""
    el maíz | la lana | el barro | la madera | el cuero | la sal | el café | el cacao | la miel | el queso | el
    pan | la harina | el vino | la seda | el algodón | la palma | el mimbre | la cera | el jabón | la cal | el
    adobe | la teja | el cobre | la plata | el hierro | el vidrio | la loza | el papel | la tinta | el añil | la
    grana | el trigo | la cebada | la papa | la yuca | el frijol | la quinua | el chile | la vainilla | la
    canela | el azúcar | el aceite | la aceituna | la uva | la manzana | la naranja | el mango | la guayaba | el
    durazno | la nuez
""")
ACTIONS = _read("""
    guardaba | preparaba | vendía | transportaba | repartía | elegía | secaba | pesaba | limpiaba | mezclaba |
    molía | hilaba | teñía | tallaba | pulía | cocía | tostaba | enfriaba | almacenaba | contaba | medía |
    cambiaba | celebraba | bendecía | heredaba | protegía | recogía | sembraba
""")
WHO = _read("""
    la familia mayor | el gremio | la cofradía | la abuela | el alcalde | la maestra | el arriero | la tejedora
    | el molinero | la partera | el pregonero | la vecina | el carpintero | la alfarera | el pastor | la
    hortelana | el sacristán | la cocinera | el barquero | la viuda
""")
WHEN = _read("""
    antes de la cosecha | durante las lluvias | después de la feria | al final del verano | en los años de
    sequía | cada domingo | la víspera de la fiesta | en tiempos de guerra | al amanecer | cuando bajaba el río
    | en las noches de helada | tras la siembra
""")
SAINTS = _read("""
    Andrés | Benito | Camilo | Damián | Elías | Fermín | Gaspar | Hilario | Isidro | Jacinto | Lázaro | Marcial
    | Nicolás | Onofre | Pascual | Quirino | Román | Saturnino | Tadeo | Urbano | Valentín | Zenón | Agustín |
    Bruno | Cosme | Donato | Esteban | Félix | Gil | Honorio
""")
LANDS = _read("""
    la Vega | los Llanos | la Sierra | las Palmas | el Monte | la Ribera | los Molinos | las Peñas | el Soto |
    la Cañada | los Olmos | las Lomas | el Valle | la Laguna | los Hornos | las Navas | el Puerto | la Hoya |
    los Pinos | las Cuevas | el Retiro | la Puente | los Altos | las Flores
""")
OLD_NAMES = _read("""
    Ambar | Bere | Cardo | Dural | Espina | Fonta | Garda | Herre | Illa | Jara | Lanza | Mira | Noval | Ortu |
    Peral | Quinta | Rosal | Salda | Tormo | Villar
""")
ENDINGS = _read("""
    nedo | llosa | rrubia | quilla | mayor | menor | cillo | dera | gosa | luenga | seca | verde
""")

QUESTIONS = (
    "¿Por qué {who} de {place} {action} {subject} {when} y no en otra época del año?",
    "¿De qué manera {action} {subject} {who} de {place} {when}, según recuerda la gente del pueblo?",
    "Explica con tus palabras cómo {who} {action} {subject} en {place} {when} y quién ayudaba.",
    "¿Qué herramientas usaba {who} cuando {action} {subject} en las afueras de {place} {when}?",
    "Cuéntame qué pasaba en {place} si {who} no {action} {subject} {when}, como pedía la costumbre.",
    "Describe el lugar de {place} donde {who} {action} {subject} {when} y por qué se escogió.",
    "¿Quién enseñó a {who} de {place} la forma en que {action} {subject} {when}?",
    "¿Cuánto tiempo llevaba en {place} la tarea de {who}, que {action} {subject} {when}?",
)
SENTENCES = (
    "En {place} lo hacía {who} con mucho cuidado, porque {subject} se echaba a perder {when}.",
    "Las cartas de la época dicen que {who} {action} {subject} sin pedir nada a cambio.",
    "Los más viejos cuentan que {subject} llegaba desde {place} en carretas tiradas por bueyes.",
    "También participaba {who}, que {action} {subject} {when} y llevaba la cuenta en una libreta.",
    "Aquella costumbre se perdió cuando abrieron el camino nuevo hacia {place}, ya entrado el siglo.",
    "Hoy queda {subject} como recuerdo, y cada año {who} lo muestra a los niños de la escuela.",
    "Para eso hacía falta una casa fresca, un patio con sombra y la ayuda de {who}.",
    "Si llovía, {who} {action} {subject} bajo techo y esperaba noticias de {place}.",
    "Nadie lo ponía por escrito: {who} lo aprendía mirando, {when}, junto al fuego.",
    "El precio de {subject} subía {when}, y por eso {who} compraba en {place}.",
)
# A near-duplicate: the same question with one small change that leaves its matter alone.
OPENINGS = ("Oye, ", "Por favor: ", "Una duda: ", "Hola, ")
CLOSINGS = (", por favor", ", entonces", " también", ", más o menos")

FOREIGN = (
    (
        "Why did the old baker of {place} keep the flour in the cellar during the winter months?",
        "The cellar stayed cool and dry, and the baker of {place} knew that flour spoils quickly when the air is damp.",
    ),
    (
        "Por que razão a padeira de {place} guardava a farinha na cave durante os meses de inverno?",
        "A cave era fresca e seca, e a padeira de {place} sabia que a farinha se estraga depressa quando há umidade.",
    ),
    (
        "Pourquoi le boulanger de {place} gardait-il la farine dans la cave pendant les mois d'hiver ?",
        "La cave restait fraîche et sèche, et le boulanger de {place} savait que la farine se gâte vite à l'humidité.",
    ),
)
PERSONAL = (
    "Más informes con {name} en {name}.{number}@correo.example por la tarde.",
    "Llama al teléfono +52 55 {a:04d} {b:04d} y pregunta por {name}.",
    "El contacto de {name} es el móvil +34 6{c:02d} {d:03d} {e:03d}.",
)
RESERVED = (
    "¿En qué año se fundó {place}?",
    "¿Quién levantó la torre vieja de {place}?",
    "¿Cuántas campanas tiene la iglesia de {place} y qué nombre lleva cada una?",
    "¿Por qué los vecinos de {place} pintan de azul las puertas que miran hacia el camino real?",
)
