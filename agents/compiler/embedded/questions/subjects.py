"""What questions are about: kinds of subjects, their names, and how their measures are put into words.

Names begin with `the` where a sentence needs it; a plan calls them without. The last fifth of each
list is never seen in training.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..toolset import Property, Unit

HELD_OUT_SHARE: Final = 5
"""One of so many names is kept from training."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One property of one kind of subject, in words.

    Attributes:
        key: How `lookup` calls it.
        noun: What people call it.
        how: The adjective of `how tall`, or empty.
        most: Superlative of the largest, or empty.
        least: Superlative of the smallest, or empty.
        units: What it can be converted to.
    """

    key: Property
    noun: str
    how: str = ""
    most: str = ""
    least: str = ""
    units: tuple[Unit, ...] = ()


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of subject.

    Attributes:
        one: What one is called.
        many: What several are called.
        measures: What can be looked up of each.
        names: The subjects.
    """

    one: str
    many: str
    measures: tuple[Measure, ...]
    names: tuple[str, ...]

    def pool(self, *, held_out: bool) -> tuple[str, ...]:
        """Return the names for training, or those that are kept from it."""
        first = len(self.names) - len(self.names) // HELD_OUT_SHARE
        return self.names[first:] if held_out else self.names[:first]


def _names(text: str) -> tuple[str, ...]:
    return tuple(" ".join(name.split()) for name in text.split(";"))


_LONG: Final[tuple[Unit, ...]] = ("miles", "kilometers")
_TALL: Final[tuple[Unit, ...]] = ("feet", "yards")
_WIDE: Final[tuple[Unit, ...]] = ("acres", "square miles")
_YEAR: Final = Measure("year", "year of completion", "old", "newest", "oldest")
_FOUNDED: Final = Measure("year", "founding year")

KINDS: Final = (
    Kind(
        "mountain",
        "mountains",
        (
            Measure("height", "height", "high", "highest", "lowest", _TALL),
            Measure("prominence", "prominence", units=_TALL),
            Measure("year", "year of the first ascent"),
        ),
        _names("""Mount Everest; K2; Kangchenjunga; Aconcagua; Denali; Mount Kilimanjaro; Mont Blanc; the
        Matterhorn; Mount Fuji; Mount Elbrus; Mount Kenya; Mount Rainier; Nanga Parbat; Annapurna; Mount
        Logan; Chimborazo; Ben Nevis; Mount Olympus; the Eiger; Cotopaxi; Mount Whitney; Mount Ararat; Pico
        de Orizaba; Puncak Jaya; Lhotse; the Zugspitze; Mount Cook; Table Mountain; Gran Paradiso; Mount St.
        Helens"""),
    ),
    Kind(
        "tower",
        "towers",
        (
            Measure("height", "height", "tall", "tallest", "shortest", _TALL),
            Measure("floors", "number of floors"),
            _YEAR,
        ),
        _names("""the Eiffel Tower; the Burj Khalifa; the Shard; the CN Tower; Taipei 101; the Empire State
        Building; the Chrysler Building; the Space Needle; the Tokyo Skytree; the Shanghai Tower; Big Ben; the
        Willis Tower; the Leaning Tower of Pisa; Lotte World Tower; the Ostankino Tower; the Berlin TV Tower;
        the Flatiron Building; Merdeka 118; the Gherkin; Milad Tower; Canton Tower; One World Trade Center;
        the Oriental Pearl Tower; Sky Tower; the Turning Torso; Tower of the Americas; the Bank of China
        Tower; Kuala Lumpur Tower; Petronas Tower 1; the Aspire Tower"""),
    ),
    Kind(
        "river",
        "rivers",
        (
            Measure("length", "length", "long", "longest", "shortest", _LONG),
            Measure("discharge", "discharge"),
        ),
        _names("""the Nile; the Amazon; the Yangtze; the Mississippi; the Danube; the Rhine; the Volga; the
        Ganges; the Mekong; the Congo River; the Yellow River; the Niger; the Zambezi; the Thames; the Seine;
        the Elbe; the Rio Grande; the Orinoco; the Murray; the Loire; the Colorado River; the Yukon; the Lena;
        the Ob; the Tagus; the Po; the Vistula; the Irrawaddy; the Saint Lawrence River; the Limpopo"""),
    ),
    Kind(
        "lake",
        "lakes",
        (
            Measure("area", "surface area", "large", "largest", "smallest", _WIDE),
            Measure("depth", "depth", "deep", "deepest", "shallowest", _TALL),
            Measure("volume", "volume", units=("gallons",)),
        ),
        _names("""Lake Superior; Lake Victoria; Lake Baikal; Lake Tanganyika; Lake Michigan; Lake Huron; Lake
        Erie; Lake Ontario; Lake Titicaca; Lake Geneva; Lake Constance; Lake Como; Lake Malawi; Lake Chad;
        the Caspian Sea; Great Bear Lake; Great Slave Lake; Lake Ladoga; Lake Onega; Lake Balaton; Loch Ness;
        Crater Lake; Lake Tahoe; Lake Garda; Lake Turkana; Great Salt Lake; Lake Winnipeg; Lake of the Woods;
        Lake Vanern; the Dead Sea"""),
    ),
    Kind(
        "country",
        "countries",
        (
            Measure("population", "population", "populous", "most populous", "least populous"),
            Measure("area", "area", "large", "largest", "smallest", _WIDE),
        ),
        _names("""France; Germany; Japan; China; India; Brazil; Canada; Mexico; Egypt; Nigeria; Kenya; South
        Africa; South Korea; Vietnam; Thailand; Indonesia; Australia; New Zealand; Spain; Italy; Portugal;
        Norway; Sweden; Poland; Ukraine; Turkey; Argentina; Chile; Peru; Colombia; Trinidad and Tobago; the
        Netherlands; Saudi Arabia; Sri Lanka; Papua New Guinea; the United Kingdom; Finland; Morocco; Bosnia
        and Herzegovina; Mongolia; Ghana; the Philippines; Antigua and Barbuda; Costa Rica; Uzbekistan"""),
    ),
    Kind(
        "city",
        "cities",
        (
            Measure("population", "population", "populous", "most populous", "least populous"),
            Measure("elevation", "elevation", "high", "highest", "lowest", _TALL),
            Measure("area", "area", "large", "largest", "smallest", _WIDE),
        ),
        _names("""London; Paris; Berlin; Madrid; Rome; Vienna; Tokyo; Seoul; Beijing; Shanghai; Mumbai; Delhi;
        Cairo; Lagos; Nairobi; Cape Town; Johannesburg; New York City; Los Angeles; Chicago; Mexico City; Sao
        Paulo; Rio de Janeiro; Buenos Aires; Lima; Bogota; Sydney; Melbourne; Auckland; Toronto; Vancouver;
        Montreal; Istanbul; Athens; Lisbon; Warsaw; Addis Ababa; Quito; Ulaanbaatar; Denver; Port of Spain;
        Kathmandu; La Paz; Salt Lake City; Stockholm"""),
    ),
    Kind(
        "animal",
        "animals",
        (
            Measure("speed", "top speed", "fast", "fastest", "slowest",
                    ("miles per hour", "kilometers per hour", "knots")),
            Measure("weight", "weight", "heavy", "heaviest", "lightest", ("pounds", "tons")),
            Measure("lifespan", "lifespan", "long-lived", "longest-lived", "shortest-lived", ("days",)),
        ),
        _names("""the cheetah; the lion; the African elephant; the blue whale; the peregrine falcon; the ostrich;
        the greyhound; the giraffe; the polar bear; the gray wolf; the red kangaroo; the pronghorn; the
        hippopotamus; the white rhino; the sailfish; the bottlenose dolphin; the great white shark; the brown
        hare; the quarter horse; the gazelle; the tiger; the emperor penguin; the golden eagle; the giant
        tortoise; the moose; the snow leopard; the green sea turtle; the black mamba; the wild boar; the
        springbok"""),
    ),
    Kind(
        "planet",
        "planets",
        (
            Measure("diameter", "diameter", "wide", "widest", "narrowest", _LONG),
            Measure("weight", "mass", "massive", "most massive", "least massive", ("tons",)),
            Measure("distance", "distance from the Sun", "far from the Sun", "farthest", "nearest", _LONG),
        ),
        _names("""Mercury; Venus; Earth; Mars; Jupiter; Saturn; Uranus; Neptune; Pluto; Ceres; Eris; Haumea;
        Makemake; Sedna; Quaoar; Vesta"""),
    ),
    Kind(
        "bridge",
        "bridges",
        (
            Measure("length", "length", "long", "longest", "shortest", _TALL + _LONG),
            Measure("height", "height", "high", "highest", "lowest", _TALL),
            _YEAR,
        ),
        _names("""the Golden Gate Bridge; Tower Bridge; the Brooklyn Bridge; the Akashi Kaikyo Bridge; the
        Millau Viaduct; the Sydney Harbour Bridge; the Great Belt Bridge; the Oresund Bridge; Charles Bridge;
        the Forth Bridge; the Humber Bridge; the Verrazzano-Narrows Bridge; the Confederation Bridge; the
        Ponte Vecchio; London Bridge; the Bosphorus Bridge; Rialto Bridge; Lions Gate Bridge; the Vasco da
        Gama Bridge; the Pont du Gard"""),
    ),
    Kind(
        "ship",
        "ships",
        (
            Measure("length", "length", "long", "longest", "shortest", _TALL),
            Measure("weight", "weight", "heavy", "heaviest", "lightest", ("tons", "pounds")),
            Measure("speed", "top speed", "fast", "fastest", "slowest", ("knots", "miles per hour")),
            Measure("capacity", "passenger capacity"),
        ),
        _names("""the Titanic; the Queen Mary 2; the Bismarck; the Yamato; the Lusitania; the Cutty Sark; HMS
        Victory; USS Nimitz; the Mayflower; the Vasa; Symphony of the Seas; USS Enterprise; the Normandie; the
        Ever Given; HMS Hood; the Golden Hind; the Andrea Doria; Pride of Hull; the Santa Maria; Oasis of the
        Seas"""),
    ),
    Kind(
        "desert",
        "deserts",
        (Measure("area", "area", "large", "largest", "smallest", _WIDE),),
        _names("""the Sahara; the Gobi; the Kalahari; the Atacama; the Mojave; the Namib; the Sonoran Desert; the
        Arabian Desert; the Great Victoria Desert; the Thar Desert; the Negev; the Karakum; the Patagonian
        Desert; the Taklamakan; the Chihuahuan Desert"""),
    ),
    Kind(
        "island",
        "islands",
        (
            Measure("area", "area", "large", "largest", "smallest", _WIDE),
            Measure("population", "population", "populous", "most populous", "least populous"),
            Measure("height", "maximum elevation"),
        ),
        _names("""Greenland; Madagascar; Borneo; New Guinea; Sumatra; Honshu; Great Britain; Java; Iceland; Cuba;
        Sicily; Crete; Corsica; Sardinia; Tasmania; Hokkaido; Baffin Island; Zanzibar; Bali; Malta; Cyprus;
        Isle of Man; Long Island; Vancouver Island; Tierra del Fuego"""),
    ),
    Kind(
        "stadium",
        "stadiums",
        (Measure("capacity", "seating capacity", "large", "largest", "smallest"), _FOUNDED),
        _names("""Wembley Stadium; Camp Nou; the Maracana; Old Trafford; the Rose Bowl; San Siro; Allianz Arena;
        Croke Park; Soccer City; Anfield; Fenway Park; the Stade de France; Eden Gardens; Michigan Stadium;
        Yankee Stadium; Estadio Azteca; Lord's; Ibrox; Arena of the Dunes; Signal Iduna Park"""),
    ),
    Kind(
        "trench",
        "trenches",
        (
            Measure("depth", "depth", "deep", "deepest", "shallowest", _TALL),
            Measure("length", "length", "long", "longest", "shortest", _LONG),
        ),
        _names("""the Mariana Trench; the Puerto Rico Trench; the Tonga Trench; the Java Trench; the Kermadec
        Trench; the Philippine Trench; the Japan Trench; the Aleutian Trench; the South Sandwich Trench; the
        Peru-Chile Trench; the Cayman Trough; the Yap Trench; the Izu-Ogasawara Trench; the Romanche Trench;
        the Diamantina Deep"""),
    ),
)  # fmt: skip

EVENTS: Final = Kind(
    "event",
    "events",
    (Measure("date", "date"),),
    _names("""the fall of the Berlin Wall; the Apollo 11 landing; the sinking of the Titanic; the Battle of
    Hastings; the storming of the Bastille; the signing of Magna Carta; the launch of Sputnik; the Chernobyl
    disaster; the Battle of Waterloo; the end of World War II; the Moon landing; the opening of the Suez Canal;
    the Great Fire of London; the eruption of Krakatoa; the coronation of Queen Victoria; the first Moscow
    Olympics; the assassination of Julius Caesar; the Wright brothers' first flight; the Wall Street Crash; the
    founding of the United Nations; the discovery of penicillin; the launch of Hubble; the Boston Tea Party; the
    opening of the Panama Canal; the Battle of Trafalgar"""),
)
"""What has a date."""

TOPICS: Final = Kind(
    "topic",
    "topics",
    (),
    _names("""solar panels; trade unions; medieval castles; ocean currents; machine translation; coffee farming;
    wind turbines; chess openings; coral reefs; jazz music; steam engines; vaccine storage; bicycle lanes; whale
    migration; bread baking; glacier retreat; remote work; river floods; olive oil; railway signals; space
    debris; night shifts; school lunches; forest fires; tax reform; honey bees; sign language; battery
    recycling; postal codes; street lighting; the history of paper; rules for travel expenses; parental leave;
    data protection; safety of ladders; noise at work; leap years; tidal power; urban gardening; opening hours
    of libraries; water pipes; deep sea mining; the price of copper; volcanic soil; waste sorting"""),
)
"""What documents may be about."""
